"""Writes the golden files of packages/tokenizer: tiny tokenizers and the ids that others give for samples.json.

Run with a Python that has transformers, tokenizers and gguf:
    python make-golden.py
Each tiny tokenizer is a directory with tokenizer.json and tokenizer_config.json, loaded back with
AutoTokenizer, so the ids are those of transformers and not only of the tokenizers package.
"""
import json
import os
import shutil

from gguf import GGUFReader
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.integrations.gguf import convert_gguf_tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
GGUF = os.path.join(HERE, "..", "..", "..", "default-model", "SmolLM2-135M-Instruct.Q4_1.gguf")
SAMPLES = json.load(open(os.path.join(HERE, "samples.json"), encoding="utf-8"))

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK_V3_REST = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
DEEPSEEK_LLM_LETTERS = (
    "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-"
    "\u0373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-"
    "\u0481\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF"
    "\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-"
    "\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC"
    "\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115"
    "\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E"
    "\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-"
    "\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A"
    "\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-"
    "\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943"
)
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] | trim + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' ' + message['content'] | trim + ' ' + eos_token }}{% elif not loop.first %}"
    "{{ raise_exception('only the first message may be a system message') }}{% endif %}{% endfor %}"
)


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), behavior="isolated")


def byte_level(*splits):
    return pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


PRE_TOKENIZERS = {
    "smollm": pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ]),
    "qwen2": byte_level(split(LLAMA3 % r"\p{N}")),
    "llama-bpe": byte_level(split(LLAMA3 % r"\p{N}{1,3}")),
    "deepseek-v3": byte_level(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK_V3_REST)),
    "deepseek-llm": byte_level(
        split("[\r\n]"), split(r"\s?[" + DEEPSEEK_LLM_LETTERS + "]+"), split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"),
        split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True)
    ),
}


def train_byte_level(name, pre_tokenizer):
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE(ignore_merges=name == "llama-bpe"))
    if name == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(SAMPLES["corpus"], trainer)
    tokenizer.add_tokens([AddedToken("<think>", normalized=False, special=False)])
    config = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": CHATML}
    if name == "llama-bpe":
        bos = tokenizer.token_to_id("<|endoftext|>")
        config["bos_token"] = "<|endoftext|>"
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", pair="<|endoftext|> $A <|endoftext|> $B", special_tokens=[("<|endoftext|>", bos)]
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if name == "deepseek-v3":
        config.update(bos_token="<|endoftext|>", add_bos_token=True, add_eos_token=False)
    return tokenizer, config


def train_sentencepiece():
    """The shape of a converted Llama-2 tokenizer: byte fallback, dummy prefix, no pre-split."""
    alphabet = sorted(set("".join(SAMPLES["corpus"][:3]).replace(" ", "▁")))
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=True)
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, limit_alphabet=len(alphabet), show_progress=False)
    trained.train_from_iterator(SAMPLES["corpus"][:3], trainer)
    learned = json.loads(trained.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += sorted(learned["vocab"], key=learned["vocab"].get)
    vocab = {token: index for index, token in enumerate(tokens)}
    merges = [tuple(merge) for merge in learned["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)
    ])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in tokens[:3]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": INST}


def train_metaspace():
    """SentencePiece pieces that never cross a space."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    # Learned without the split, so that there are merges the split must keep apart.
    whole = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    whole.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], show_progress=False)
    whole.train_from_iterator(SAMPLES["corpus"][:3] * 2, trainer)
    tokenizer.model = whole.model
    tokenizer.add_special_tokens([AddedToken("<unk>", normalized=False, special=True)])
    return tokenizer, {"unk_token": "<unk>", "chat_template": CHATML}


def expected(tokenizer):
    """Ids with and without special tokens, decoded text, and chat prompts, of every sample."""
    texts = []
    for text in SAMPLES["texts"]:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        around = tokenizer(text)["input_ids"]
        texts.append({
            "ids": ids,
            "prefix": len(around) - len(ids),
            "decoded": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False),
        })
    prompts = [
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        for messages in SAMPLES["messages"]
    ]
    return {"texts": texts, "prompts": prompts}


def write(path, value, indent=None):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=indent, separators=(",", ":") if indent is None else None)
        file.write("\n")


def write_tiny(name, tokenizer, config):
    directory = os.path.join(HERE, name)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    write(os.path.join(directory, "tokenizer.json"), json.loads(tokenizer.to_str()))
    write(os.path.join(directory, "tokenizer_config.json"), {"tokenizer_class": "PreTrainedTokenizerFast", **config}, 2)
    write(os.path.join(directory, "expected.json"), expected(AutoTokenizer.from_pretrained(directory)))


def write_gguf_metadata(name, gguf_type, pre, tokens, types, scores, merges, flags):
    """The metadata a GGUF file of a tiny tokenizer would carry."""
    metadata = {
        "tokenizer.ggml.model": gguf_type, "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types, **flags
    }
    if pre is not None:
        metadata["tokenizer.ggml.pre"] = pre
    if scores is not None:
        metadata["tokenizer.ggml.scores"] = scores
    if merges is not None:
        metadata["tokenizer.ggml.merges"] = merges
    write(os.path.join(HERE, name, "gguf-metadata.json"), metadata)


def gguf_of_tiny(name):
    json_ = json.load(open(os.path.join(HERE, name, "tokenizer.json"), encoding="utf-8"))
    vocab = dict(json_["model"]["vocab"])
    added = {token["id"]: token for token in json_["added_tokens"]}
    vocab.update({token["content"]: id_ for id_, token in added.items()})
    tokens = sorted(vocab, key=vocab.get)
    merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in json_["model"]["merges"]]
    if name == "sentencepiece":
        types = [2 if t == "<unk>" else 3 if t in ("<s>", "</s>") else 6 if t.startswith("<0x") else 1 for t in tokens]
        scores = [0.0 if kind != 1 else float(259 - index) for index, kind in enumerate(types)]
        flags = {"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0}
        write_gguf_metadata(name, "llama", None, tokens, types, scores, None, flags)
        write_gguf_sentencepiece(name, {
            "tokenizer_type": "llama", "tokens": tokens, "token_type": types, "scores": scores
        })
        return
    types = [(3 if added[i]["special"] else 4) if i in added else 1 for i in range(len(tokens))]
    flags = {"tokenizer.ggml.eos_token_id": vocab["<|im_end|>"], "tokenizer.ggml.add_bos_token": False}
    if name == "llama-bpe":
        flags.update({"tokenizer.ggml.bos_token_id": vocab["<|endoftext|>"], "tokenizer.ggml.add_bos_token": True})
    write_gguf_metadata(name, "gpt2", name, tokens, types, None, merges, flags)


def write_gguf_sentencepiece(name, tokenizer_dict):
    """transformers adds the dummy prefix to the start of a text only for GGUF files, unlike the tiny tokenizer.json."""
    backend, _ = convert_gguf_tokenizer("llama", tokenizer_dict)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>", add_bos_token=True, chat_template=INST
    )
    write(os.path.join(HERE, name, "gguf-expected.json"), expected(tokenizer))


def write_shipped():
    """Ids of the shipped GGUF. transformers ignores `tokenizer.ggml.pre = smollm` there and does not split digits,
    as the model's own tokenizer.json does, so its pre-tokenizer is put right; the raw ids are kept where they differ."""
    tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(GGUF), gguf_file=os.path.basename(GGUF))
    raw = expected(tokenizer)
    tokenizer.backend_tokenizer.pre_tokenizer = PRE_TOKENIZERS["smollm"]
    corrected = expected(tokenizer)
    for text, before in zip(corrected["texts"], raw["texts"]):
        if before["ids"] != text["ids"]:
            text["rawIds"] = before["ids"]
    fields = GGUFReader(GGUF).fields
    corrected["pre"] = fields["tokenizer.ggml.pre"].contents()
    write(os.path.join(HERE, "shipped.json"), corrected)


if __name__ == "__main__":
    for tiny, pre_tokenizer in PRE_TOKENIZERS.items():
        write_tiny(tiny, *train_byte_level(tiny, pre_tokenizer))
        gguf_of_tiny(tiny)
    write_tiny("sentencepiece", *train_sentencepiece())
    gguf_of_tiny("sentencepiece")
    write_tiny("metaspace", *train_metaspace())
    write_shipped()
