"""Writes the golden files next to this script. Needs torch, transformers 5, gguf and numpy.

dequantize.json   random blocks of every format and what gguf-py (torch for e4m3) decodes them to
rope.json         inverse frequencies and attention factors by transformers' own rope utilities
checkpoints.json  config.json, generation_config.json and tensor tables of tiny models as save_pretrained writes them
gguf-llama*.gguf  a tiny llama model written by gguf-py, whole and split in two parts
"""
import base64
import json
import pathlib
import tempfile

import gguf
import numpy as np
import torch
import transformers
from safetensors import safe_open

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(20240607)


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


# Byte offsets of the float16 fields of a block: random bits there would mostly be absurd.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def dequantize_golden():
    rows = {}
    for name, halves in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        length, size = gguf.GGML_QUANT_SIZES[kind]
        num_blocks = 96 // length or 2
        blocks = RNG.integers(0, 256, size=(num_blocks, size), dtype=np.uint8)
        for offset in halves:
            values = RNG.uniform(-0.1, 0.1, size=(num_blocks, 1)).astype(np.float16)
            blocks[:, offset:offset + 2] = values.view(np.uint8)
        raw = blocks.reshape(1, -1)
        rows[name] = {"bytes": text(raw), "values": text(gguf.quants.dequantize(raw, kind).astype(np.float32))}
    floats = RNG.standard_normal(24).astype(np.float32)
    half = np.concatenate([floats.astype(np.float16), np.array([0, -0.0, 65504, 6e-8, 6.1e-5], np.float16)])
    rows["F32"] = {"bytes": text(floats), "values": text(floats)}
    rows["F16"] = {"bytes": text(half), "values": text(half.astype(np.float32))}
    bf16 = torch.from_numpy(floats).to(torch.bfloat16)
    rows["BF16"] = {"bytes": text(bf16.view(torch.int16).numpy()), "values": text(bf16.float().numpy())}
    # Every byte but the two NaNs.
    codes = np.array([code for code in range(256) if code & 0x7F != 0x7F], dtype=np.uint8)
    fp8 = torch.from_numpy(codes).view(torch.float8_e4m3fn)
    rows["F8_E4M3"] = {"bytes": text(codes), "values": text(fp8.float().numpy())}
    write("dequantize.json", rows)


ROPES = {
    "default": dict(rope_type="default", rope_theta=1e5),
    "linear": dict(rope_type="linear", rope_theta=1e4, factor=4.0),
    "llama3": dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192),
    "yarn": dict(rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=32768),
    "yarn_untruncated": dict(rope_type="yarn", rope_theta=1e4, factor=16.0, beta_fast=24.0, beta_slow=2.0, original_max_position_embeddings=2048, truncate=False),
    "yarn_deepseek": dict(rope_type="yarn", rope_theta=1e4, factor=40.0, mscale=0.707, mscale_all_dim=1.0, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=4096),
    "yarn_attention_factor": dict(rope_type="yarn", rope_theta=1e4, factor=8.0, attention_factor=1.25, original_max_position_embeddings=1024),
}


def rope_golden():
    cases = []
    for name, parameters in ROPES.items():
        config = transformers.LlamaConfig(
            hidden_size=256, num_attention_heads=4, head_dim=64, max_position_embeddings=131072, rope_parameters=dict(parameters))
        if parameters["rope_type"] == "default":
            inv_freq, factor = transformers.models.llama.modeling_llama.LlamaRotaryEmbedding.compute_default_rope_parameters(config)
        else:
            inv_freq, factor = transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, "cpu")
        cases.append({"name": name, "parameters": parameters, "dim": 64, "invFreq": [float(x) for x in inv_freq], "attentionFactor": float(factor)})
    write("rope.json", cases)


GQA = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=64, max_position_embeddings=512)
MOE = dict(moe_intermediate_size=16, num_experts_per_tok=2)
MLA = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, vocab_size=64, kv_lora_rank=16,
           qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8, first_k_dense_replace=1, max_position_embeddings=2560, **MOE)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=40.0, mscale=0.707, mscale_all_dim=0.707, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=64)


def models():
    t = transformers
    yield "llama", t.LlamaForCausalLM(t.LlamaConfig(**GQA, rope_parameters={**ROPES["llama3"], "original_max_position_embeddings": 64}))
    yield "llama_tied", t.LlamaForCausalLM(t.LlamaConfig(**GQA, tie_word_embeddings=True))
    yield "mistral", t.MistralForCausalLM(t.MistralConfig(**GQA, head_dim=16, sliding_window=None))
    yield "qwen3", t.Qwen3ForCausalLM(t.Qwen3Config(**GQA, head_dim=16))
    yield "qwen3_moe", t.Qwen3MoeForCausalLM(t.Qwen3MoeConfig(**GQA, **MOE, head_dim=16, num_experts=4, mlp_only_layers=[0], norm_topk_prob=True))
    yield "deepseek_v2_lite", t.DeepseekV2ForCausalLM(t.DeepseekV2Config(**MLA, q_lora_rank=None, n_routed_experts=4, n_shared_experts=2, rope_parameters=dict(YARN)))
    yield "deepseek_v2", t.DeepseekV2ForCausalLM(t.DeepseekV2Config(
        **MLA, q_lora_rank=24, n_routed_experts=8, n_shared_experts=1, topk_method="group_limited_greedy", n_group=4, topk_group=2, routed_scaling_factor=16.0))
    yield "deepseek_v3", t.DeepseekV3ForCausalLM(t.DeepseekV3Config(
        **MLA, q_lora_rank=24, n_routed_experts=8, n_shared_experts=1, n_group=2, topk_group=1, rope_parameters={**YARN, "mscale": 1.0, "mscale_all_dim": 1.0}))


def checkpoint_golden():
    rows = {}
    for name, model in models():
        # Before the cast: it would round the frequencies, which from_pretrained keeps in float32.
        inv_freq = [float(x) for x in model.model.rotary_emb.inv_freq]
        with tempfile.TemporaryDirectory() as directory:
            model.to(torch.bfloat16).save_pretrained(directory)
            root = pathlib.Path(directory)
            with safe_open(root / "model.safetensors", "pt") as file:
                tensors = {key: [file.get_slice(key).get_dtype(), file.get_slice(key).get_shape()] for key in sorted(file.keys())}
            generation = root / "generation_config.json"
            rows[name] = {
                "config": json.loads((root / "config.json").read_text()),
                "generationConfig": json.loads(generation.read_text()) if generation.exists() else None,
                "tensors": tensors,
                "scaling": float(model.model.layers[-1].self_attn.scaling),
                "invFreq": inv_freq,
                "attentionFactor": float(model.model.rotary_emb.attention_scaling),
            }
    write("checkpoints.json", rows)


def gguf_golden():
    hidden, inter, vocab, heads, kv_heads = 32, 64, 24, 4, 2
    shapes = {"token_embd": (vocab, hidden), "output_norm": (hidden,), "rope_freqs": (hidden // heads // 2,)}
    layer = {"attn_norm": (hidden,), "attn_q": (hidden, hidden), "attn_k": (hidden * kv_heads // heads, hidden), "attn_v": (hidden * kv_heads // heads, hidden),
             "attn_output": (hidden, hidden), "ffn_norm": (hidden,), "ffn_gate": (inter, hidden), "ffn_up": (inter, hidden), "ffn_down": (hidden, inter)}
    shapes |= {f"blk.0.{key}": shape for key, shape in layer.items()}
    arrays = {key: RNG.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    arrays["rope_freqs"] = np.array([1, 1, 2, 8], np.float32)
    for name, options in {"gguf-llama": {}, "gguf-llama-split": dict(split_max_tensors=7)}.items():
        writer = gguf.GGUFWriter(str(HERE / f"{name}.gguf"), "llama", **options)
        writer.add_block_count(1)
        writer.add_context_length(128)
        writer.add_embedding_length(hidden)
        writer.add_feed_forward_length(inter)
        writer.add_head_count(heads)
        writer.add_head_count_kv(kv_heads)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_rope_freq_base(10000.0)
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"t{i}" for i in range(vocab)])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_eot_token_id(3)
        for key, array in arrays.items():
            kind = gguf.GGMLQuantizationType.Q8_0 if array.ndim == 2 else gguf.GGMLQuantizationType.F32
            data = gguf.quants.quantize(array, kind)
            writer.add_tensor(f"{key}.weight", data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    q8 = gguf.quants.dequantize(gguf.quants.quantize(arrays["blk.0.ffn_down"], gguf.GGMLQuantizationType.Q8_0), gguf.GGMLQuantizationType.Q8_0)
    write("gguf-llama.json", {"ffnDown": text(q8.astype(np.float32)), "shape": list(q8.shape)})


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    dequantize_golden()
    rope_golden()
    checkpoint_golden()
    gguf_golden()
