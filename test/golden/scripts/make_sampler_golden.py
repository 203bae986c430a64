"""Makes the golden of the sampler: the distribution vLLM's own operations leave, for combinations of sampling parameters.

    python make_sampler_golden.py        (the python of an environment with vLLM)

The order is that of vllm/v1/sample/sampler.py: logit_bias, penalties, temperature, min_p, then top_k and top_p.
"""
import json
import pathlib

import torch
import vllm
from vllm.model_executor.layers.utils import apply_penalties
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p_pytorch

from tiny_models import compact_lists

TARGET = pathlib.Path(__file__).resolve().parent.parent / "sampler.json"
VOCAB = 16
PROMPT, OUTPUT = [3, 5, 5, 9], [1, 5, 1, 1, 7]
NEUTRAL = dict(temperature=1.0, topK=0, topP=1.0, minP=0.0, repetitionPenalty=1.0, presencePenalty=0.0, frequencyPenalty=0.0, logitBias=[])
CASES = [
    dict(),
    dict(temperature=0.5),
    dict(topK=4),
    dict(topP=0.7),
    dict(minP=0.25),
    dict(topK=6, topP=0.6),
    dict(topK=9, topP=0.9, minP=0.1, temperature=1.7),
    dict(minP=0.2, temperature=2.0),
    dict(repetitionPenalty=1.8),
    dict(presencePenalty=0.9),
    dict(frequencyPenalty=0.6),
    dict(logitBias=[[2, 3.5], [5, -4.0]], repetitionPenalty=1.5),
    dict(logitBias=[[9, 6.0]], repetitionPenalty=2.0, presencePenalty=0.5, frequencyPenalty=0.3, temperature=0.8, topK=10, topP=0.85, minP=0.02),
]


def probabilities(logits, case):
    logits = logits.clone()[None]
    for token, bias in case["logitBias"]:
        logits[0, token] += bias
    one = lambda key: torch.tensor([case[key]])
    logits = apply_penalties(logits, torch.tensor([PROMPT]), torch.tensor([OUTPUT]), one("presencePenalty"), one("frequencyPenalty"),
                             one("repetitionPenalty"))
    logits = logits / case["temperature"]
    # MinPLogitsProcessor.apply on one row; the class itself needs a whole engine's batch state.
    probs = logits.softmax(-1)
    logits = logits.masked_fill(probs < probs.amax(-1, keepdim=True) * case["minP"], -float("inf"))
    k = torch.tensor([case["topK"]]) if case["topK"] > 0 else None
    p = torch.tensor([case["topP"]]) if case["topP"] < 1 else None
    return apply_top_k_top_p_pytorch(logits, k, p).softmax(-1)[0]


if __name__ == "__main__":
    logits = torch.empty(VOCAB).normal_(0, 1.5, generator=torch.Generator().manual_seed(4))
    golden = {
        "oracle": f"vllm {vllm.__version__}, torch {torch.__version__}",
        "prompt": PROMPT,
        "output": OUTPUT,
        "logits": logits.tolist(),
        "cases": [{"params": case, "probabilities": [round(x, 6) for x in probabilities(logits, {**NEUTRAL, **case}).tolist()]} for case in CASES],
    }
    TARGET.write_text(compact_lists(json.dumps(golden, indent=1)) + "\n")
