"""Makes the golden of sampling parameters over HTTP: greedy continuations by the shipped model under penalties, biases and min_p.

    python make_sampling_golden.py        (the python of an environment with vLLM, transformers, gguf and accelerate)

Logits are those of transformers on the dequantised GGUF weights in float32. Penalties are vLLM's own operation, min_p and biases are
transformers' own processors, in the order of vLLM's sampler: biases, penalties, temperature, min_p. Every request is deterministic:
temperature 0, or min_p 1, which leaves the best token alone. The prompt of a case is the first where no choice is a close call and the
parameters change the continuation.
"""
import json
import pathlib

import torch
import transformers
import vllm
from transformers import MinPLogitsWarper, SequenceBiasLogitsProcessor
from vllm.model_executor.layers.utils import apply_penalties

from make_default_model_golden import FILE, MODEL, TARGET
from tiny_models import compact_lists

STEPS = 10
PROMPTS = ("The cat sat on the mat. The cat sat on the mat.", "red, blue, red, blue, red,", "1 2 3 1 2 3 1 2 3", "a a a a a a")
# Between the two best logits, as they are after everything was applied.
SMALLEST_GAP = 0.02
CASES = [
    dict(),
    dict(repetition_penalty=1.5),
    dict(presence_penalty=1.8),
    dict(frequency_penalty=1.2),
    dict(presence_penalty=-1.5, frequency_penalty=-1.0),
    dict(logit_bias={"260": 6.0, "281": -100.0}),
    dict(min_p=1.0, temperature=1.7, repetition_penalty=1.2, presence_penalty=0.5, frequency_penalty=0.5, logit_bias={"28": -3.0}),
]


def processed(logits, prompt, output, case):
    logits = logits.clone()[None]
    if "logit_bias" in case:
        bias = SequenceBiasLogitsProcessor([[[int(token)], value] for token, value in case["logit_bias"].items()])
        logits = bias(torch.tensor([prompt + output]), logits)
    one = lambda key, neutral: torch.tensor([case.get(key, neutral)])
    logits = apply_penalties(
        logits, torch.tensor([prompt]), torch.tensor([output], dtype=torch.long).reshape(1, -1), one("presence_penalty", 0.0),
        one("frequency_penalty", 0.0), one("repetition_penalty", 1.0))
    logits = logits / case.get("temperature", 1.0)
    gap = torch.topk(logits[0], 2).values
    if "min_p" in case:
        logits = MinPLogitsWarper(case["min_p"])(None, logits)
        assert int(torch.isfinite(logits).sum()) == 1
    return int(logits.argmax()), float(gap[0] - gap[1])


@torch.no_grad()
def continuation(model, prompt, case):
    output, smallest = [], float("inf")
    for _ in range(STEPS):
        token, gap = processed(model(torch.tensor([prompt + output])).logits[0, -1], prompt, output, case)
        smallest = min(smallest, gap)
        output.append(token)
    return output, smallest


if __name__ == "__main__":
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL, gguf_file=FILE)
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, gguf_file=FILE, dtype=torch.float32, attn_implementation="eager").eval()
    cases = []
    for case in CASES:
        for text in PROMPTS:
            prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
            output, gap = continuation(model, prompt, case)
            if gap >= SMALLEST_GAP and output != (continuation(model, prompt, {})[0] if case else None):
                break
        else:
            raise SystemExit(f"{case}: no prompt will do")
        cases.append({"params": {"temperature": 0, **case}, "prompt": prompt, "smallest_gap": round(gap, 4), "output": output})
        print(case, repr(text), round(gap, 4), repr(tokenizer.decode(output)))
    golden = {"oracle": f"transformers {transformers.__version__}, vllm {vllm.__version__}, torch {torch.__version__}", "cases": cases}
    (TARGET / "sampling.json").write_text(compact_lists(json.dumps(golden, indent=1)) + "\n")
