"""Makes the Step-3 text goldens with vLLM on the CPU, the one public runnable implementation.

    python make_step3_goldens.py NAME        one of step3-bf16, step3-renormalised-f32, step3-fp8 (one engine per process)

The oracle loads the stored values as float32. The block-FP8 checkpoint's oracle is the dequantised weights: an engine that also
quantises activations would compute something else.
"""
import json
import os
import pathlib
import sys
import tempfile

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")

import torch
import vllm
from safetensors.torch import save_file
from vllm.model_executor.models.step3_text import Step3TextForCausalLM

from tiny_models import GREEDY_STEPS, MODELS, SMALLEST_GAP, prompts_of, randomise, write_golden

CONFIG = dict(
    architectures=["Step3TextForCausalLM"], model_type="step3_text", hidden_size=64, num_hidden_layers=3, num_attention_heads=3,
    num_attention_groups=1, head_dim=32, share_q_dim=64, intermediate_size=96, moe_num_experts=6, moe_top_k=2,
    moe_intermediate_size=32, share_expert_dim=48, moe_layers_enum="1,2", norm_expert_weight=False, vocab_size=160,
    rms_norm_eps=1e-5, rope_theta=500000, rope_scaling=None, max_seq_len=256, max_position_embedding=256, hidden_act="silu",
    tie_word_embeddings=False, bos_token_id=0, eos_token_id=1)
BLOCK = (32, 32)

CASES = {
    "step3-bf16": (torch.bfloat16, CONFIG),
    "step3-renormalised-f32": (torch.float32, {**CONFIG, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 128,
                                               "intermediate_size": 64, "moe_num_experts": 4, "share_expert_dim": 32,
                                               "moe_layers_enum": "1", "norm_expert_weight": True}),
    "step3-fp8": (torch.float8_e4m3fn, {**CONFIG, "quantization_config": {
        "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": list(BLOCK)}}),
}


def tensors_of(config):
    """Names and shapes of a Step-3 checkpoint (experts stacked)."""
    h, d, heads, low = config["hidden_size"], config["head_dim"], config["num_attention_heads"], config["share_q_dim"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], h), "model.norm.weight": (h,), "lm_head.weight": (config["vocab_size"], h)}
    moe_layers = [int(i) for i in config["moe_layers_enum"].split(",")]
    for n in range(config["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        attention = {"q_proj": (low, h), "k_proj": (d, h), "v_proj": (d, h), "inter_norm": (low,), "wq": (heads * d, low), "o_proj": (h, heads * d)}
        shapes.update({f"{layer}self_attn.{name}.weight": shape for name, shape in attention.items()})
        shapes.update({f"{layer}{name}.weight": (h,) for name in ("input_layernorm", "post_attention_layernorm")})
        mlps = {"mlp": ((), config["intermediate_size"])}
        if n in moe_layers:
            experts = config["moe_num_experts"]
            mlps = {"moe": ((experts,), config["moe_intermediate_size"]), "share_expert": ((), config["share_expert_dim"])}
            shapes[f"{layer}moe.gate.weight"] = (experts, h)
        for part, (lead, width) in mlps.items():
            shapes.update({f"{layer}{part}.{p}_proj.weight": (*lead, width, h) for p in ("gate", "up")})
            shapes[f"{layer}{part}.down_proj.weight"] = (*lead, h, width)
    return {name: torch.empty(shape) for name, shape in shapes.items()}


def quantise(weights):
    """Block FP8 as in published checkpoints: value = fp8 * scale_inv[row block][column block]. Returns (stored, dequantised)."""
    stored, dequantised = {}, {}
    for name, weight in weights.items():
        if weight.dim() == 1 or "embed_tokens" in name or "lm_head" in name or "moe.gate.weight" in name:
            stored[name] = weight.bfloat16()
            dequantised[name] = stored[name].float()
            continue
        *lead, rows, columns = weight.shape
        scale = torch.empty(*lead, -(-rows // BLOCK[0]), -(-columns // BLOCK[1]))
        quantised = torch.empty_like(weight)
        for i in range(scale.shape[-2]):
            for j in range(scale.shape[-1]):
                tile = (..., slice(i * BLOCK[0], (i + 1) * BLOCK[0]), slice(j * BLOCK[1], (j + 1) * BLOCK[1]))
                scale[..., i, j] = weight[tile].abs().amax(dim=(-2, -1)) / 448
                quantised[tile] = weight[tile] / scale[..., i, j, None, None]
        stored[name] = quantised.to(torch.float8_e4m3fn)
        stored[f"{name}_scale_inv"] = scale
        spread = scale.repeat_interleave(BLOCK[0], -2).repeat_interleave(BLOCK[1], -1)[..., :rows, :columns]
        dequantised[name] = stored[name].float() * spread
    return stored, dequantised


class Oracle:
    """A vLLM engine over float32 weights that keeps every row of logits it computes."""

    def __init__(self, config, weights):
        self.directory = tempfile.TemporaryDirectory()
        directory = pathlib.Path(self.directory.name)
        plain = {key: value for key, value in config.items() if key != "quantization_config"}
        (directory / "config.json").write_text(json.dumps({**plain, "torch_dtype": "float32"}))
        save_file({name: weight.contiguous() for name, weight in weights.items()}, directory / "model.safetensors")
        self.llm = vllm.LLM(str(directory), dtype="float32", skip_tokenizer_init=True, enforce_eager=True, max_model_len=256,
                            max_num_seqs=1, enable_prefix_caching=False, max_logprobs=1)

    def run(self, prompt):
        """Logits of every prompt position, and of every greedy step."""
        rows, original = [], Step3TextForCausalLM.compute_logits

        def recording(model, *args, **kwargs):
            logits = original(model, *args, **kwargs)
            rows.append(logits.detach().float().clone())
            return logits

        Step3TextForCausalLM.compute_logits = recording
        try:
            params = vllm.SamplingParams(temperature=0, max_tokens=GREEDY_STEPS, ignore_eos=True, prompt_logprobs=1, detokenize=False)
            output = self.llm.generate({"prompt_token_ids": prompt}, params, use_tqdm=False)[0]
        finally:
            Step3TextForCausalLM.compute_logits = original
        continuation = list(output.outputs[0].token_ids)
        # The engine asks for the sampled row first, then for the prompt rows without the last one, then row by row.
        steps = [rows[0], *[r for r in rows[1:] if r.shape[0] == 1][-(GREEDY_STEPS - 1):]]
        before = [r for r in rows[1:] if r.shape[0] == len(prompt) - 1][:1] if len(prompt) > 1 else []
        steps = torch.cat(steps)
        assert steps.argmax(-1).tolist() == continuation
        logits = torch.cat([*before, rows[0]])
        assert logits.shape[0] == len(prompt)
        return logits, steps, continuation


def make(name, dtype, config):
    weights = tensors_of(config)
    eight_bit = dtype == torch.float8_e4m3fn
    randomise(list(weights.items()), 1, torch.float32 if eight_bit else dtype)
    stored, used = quantise(weights) if eight_bit else ({n: w.to(dtype) for n, w in weights.items()}, weights)
    oracle = Oracle(config, used)
    for seed in range(1, 60):  # Starting an engine is slow: only the prompts change.
        prompts = prompts_of(config["vocab_size"], seed)
        logits, steps, continuations = zip(*(oracle.run(prompt) for prompt in prompts))
        best = torch.topk(torch.cat(steps), 2).values
        gap = float(((best[:, 0] - best[:, 1]) / torch.cat(steps).abs().amax(-1)).min())
        print(f"{name}: prompts {seed}, gap {gap:.4f}", flush=True)
        if gap >= SMALLEST_GAP:
            break
    else:
        raise SystemExit(f"{name}: no prompts keep the two best tokens apart")

    directory = MODELS / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps({**config, "torch_dtype": "bfloat16" if eight_bit else str(dtype)[6:]}, indent=2) + "\n")
    save_file({n: w.contiguous() for n, w in stored.items()}, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "model.safetensors").chmod(0o644)
    numbers = {"prompts": prompts, "continuations": continuations, "gap": gap, "logits": torch.cat(logits).numpy()}
    write_golden(directory, numbers, {
        "oracle": f"vllm {vllm.__version__} on the CPU, torch {torch.__version__}, Step3TextForCausalLM, float32"
                  + (", dequantised weights" if eight_bit else ""),
        "prompt_seed": seed,
    })
    print(f"{name}: {(directory / 'model.safetensors').stat().st_size} bytes, spread {numbers['logits'].std():.2f}")


if __name__ == "__main__":
    for name, case in CASES.items():
        if name in sys.argv[1:]:
            make(name, *case)
