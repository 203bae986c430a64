"""Makes the golden of the shipped model: transformers on the dequantised GGUF weights in float32, teacher-forced on text.txt.

    python make_default_model_golden.py

For each position but the last: the token the model would choose, the log probability of the token that follows in the text, and the gap
between the two best logits.
"""
import json
import pathlib

import torch
import transformers

from tiny_models import compact_lists

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parents[2] / "packages" / "default-model"
TARGET = HERE.parent / "default-model"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"

if __name__ == "__main__":
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL, gguf_file=FILE)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        MODEL, gguf_file=FILE, dtype=torch.float32, attn_implementation="eager").eval()
    tokens = tokenizer((TARGET / "text.txt").read_text(), add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0, :-1]
    logprobs = torch.log_softmax(logits.double(), -1)
    best = torch.topk(logits, 2).values
    golden = {
        "oracle": f"transformers {transformers.__version__}, torch {torch.__version__}, {type(model).__name__}, float32, eager attention",
        "token_ids": tokens,
        "top1": logits.argmax(-1).tolist(),
        "logprobs": [round(x, 5) for x in logprobs.gather(1, torch.tensor(tokens[1:])[:, None])[:, 0].tolist()],
        "gaps": [round(x, 4) for x in (best[:, 0] - best[:, 1]).tolist()],
    }
    (TARGET / "golden.json").write_text(compact_lists(json.dumps(golden, indent=1)) + "\n")
    accuracy = sum(a == b for a, b in zip(golden["top1"], tokens[1:])) / len(golden["top1"])
    print(f"{len(tokens)} tokens, mean logprob {sum(golden['logprobs']) / len(golden['logprobs']):.3f}, accuracy {accuracy:.3f}")
