"""Tiny random models and the numbers the TypeScript tests compare with; shared by the make_*.py scripts.

A golden is a directory: config.json and model.safetensors (what a checkpoint of the architecture looks like),
golden.json (prompts, greedy continuations, how it was made) and logits.bin (float32, little-endian: for each prompt in order the
logits of each position, [sum of prompt lengths, vocab_size]).
"""
import json
import pathlib

import numpy
import torch

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"
GREEDY_STEPS = 32
PROMPT_LENGTHS = (1, 3, 8, 17, 26)
# Smallest distance between the two best logits along the greedy continuations, relative to the largest logit:
# far above float32 noise, so that another implementation has to choose the same tokens.
SMALLEST_GAP = 2e-3


def randomise(parameters, seed, dtype):
    """Weights that make every part matter: unit-gain matrices, norms away from 1, then rounded to the storage dtype."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in sorted(parameters, key=lambda item: item[0]):
        values = torch.empty(tensor.shape, dtype=torch.float32)
        if name.endswith("e_score_correction_bias"):
            values.uniform_(-0.3, 0.3, generator=generator)
        elif tensor.dim() == 1:
            values.uniform_(0.5, 1.5, generator=generator)
        elif "embed_tokens" in name:
            values.normal_(0, 1, generator=generator)
        else:
            gain = 2.0 if "lm_head" in name or "gate.weight" in name else 1.3
            values.normal_(0, gain / tensor.shape[-1] ** 0.5, generator=generator)
        with torch.no_grad():
            tensor.copy_(values.to(dtype).to(tensor.dtype))


def prompts_of(vocab_size, seed):
    generator = torch.Generator().manual_seed(seed + 1000)
    return [torch.randint(0, vocab_size, (n,), generator=generator).tolist() for n in PROMPT_LENGTHS]


def greedy(logits_of, prompt):
    """Greedy continuation by full recomputation, and the smallest relative gap between the two best logits."""
    tokens, gap = list(prompt), float("inf")
    for _ in range(GREEDY_STEPS):
        last = logits_of(tokens)[-1]
        best = torch.topk(last, 2)
        gap = min(gap, float((best.values[0] - best.values[1]) / last.abs().max()))
        tokens.append(int(best.indices[0]))
    return tokens[len(prompt):], gap


def oracle_numbers(logits_of, vocab_size, seed):
    """None when two tokens come too close to call: the caller tries another seed."""
    prompts, continuations, logits, smallest = prompts_of(vocab_size, seed), [], [], float("inf")
    for prompt in prompts:
        continuation, gap = greedy(logits_of, prompt)
        smallest = min(smallest, gap)
        continuations.append(continuation)
        logits.append(logits_of(prompt).float().numpy())
    if smallest < SMALLEST_GAP:
        return None
    return {"prompts": prompts, "continuations": continuations, "gap": smallest, "logits": numpy.concatenate(logits)}


def write_golden(directory, numbers, facts):
    numbers["logits"].astype("<f4").tofile(directory / "logits.bin")
    golden = {
        **facts,
        "smallest_relative_gap": round(numbers["gap"], 6),
        "prompts": numbers["prompts"],
        "greedy": numbers["continuations"],
    }
    text = json.dumps(golden, indent=1)
    (directory / "golden.json").write_text(compact_lists(text) + "\n")


def compact_lists(text):
    """Puts lists of numbers on one line."""
    import re
    return re.sub(r"\[\s+([-\d.e,\s]+?)\s+\]", lambda match: "[" + re.sub(r"\s+", " ", match.group(1)) + "]", text)
