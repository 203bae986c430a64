"""Makes the goldens of every architecture that Hugging Face transformers has.

    python make_transformers_goldens.py [NAME ...]

Runs in seconds on a CPU; needs torch, transformers and safetensors. Weights are stored as bf16 or f32, the oracle computes in float32
on the stored values with eager attention.
"""
import shutil
import sys

import torch
import transformers

from tiny_models import MODELS, oracle_numbers, randomise, write_golden

transformers.utils.logging.disable_progress_bar()

COMMON = dict(vocab_size=160, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=4,
              max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1, pad_token_id=None)
TWO_LAYERS = dict(COMMON, num_hidden_layers=2)
SMALL = dict(COMMON, vocab_size=128, hidden_size=48, intermediate_size=72, num_hidden_layers=2)
MOE = dict(num_experts=12, num_experts_per_tok=3, moe_intermediate_size=16)
MLA = dict(kv_lora_rank=24, qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=12, num_key_value_heads=4)
DEEPSEEK_MOE = dict(n_routed_experts=12, num_experts_per_tok=3, moe_intermediate_size=16, first_k_dense_replace=1)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64, beta_fast=32, beta_slow=1,
            mscale=1.0, mscale_all_dim=1.0, rope_theta=10000.0)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64, rope_theta=10000.0)


def cases():
    t = transformers
    gqa = dict(num_key_value_heads=2)
    yield "llama-bf16", torch.bfloat16, t.LlamaForCausalLM, t.LlamaConfig(**COMMON, **gqa, head_dim=16)
    yield "llama-tied-llama3-f32", torch.float32, t.LlamaForCausalLM, t.LlamaConfig(
        **{**SMALL, "tie_word_embeddings": True}, num_key_value_heads=1, rope_parameters=LLAMA3)
    yield "qwen3-bf16", torch.bfloat16, t.Qwen3ForCausalLM, t.Qwen3Config(**COMMON, **gqa, head_dim=24)
    yield "qwen3-f32", torch.float32, t.Qwen3ForCausalLM, t.Qwen3Config(**SMALL, **gqa, head_dim=16)
    yield "qwen3-moe-bf16", torch.bfloat16, t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(
        **TWO_LAYERS, **gqa, **MOE, head_dim=16, norm_topk_prob=True)
    yield "qwen3-moe-sparse-f32", torch.float32, t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(
        **SMALL, **gqa, **MOE, head_dim=8, norm_topk_prob=False, mlp_only_layers=[0])
    yield "deepseek-v2-bf16", torch.bfloat16, t.DeepseekV2ForCausalLM, t.DeepseekV2Config(
        **COMMON, **MLA, **DEEPSEEK_MOE, q_lora_rank=20, n_shared_experts=2, topk_method="group_limited_greedy", n_group=4,
        topk_group=2, routed_scaling_factor=4.0)
    yield "deepseek-v2-lite-f32", torch.float32, t.DeepseekV2ForCausalLM, t.DeepseekV2Config(
        **SMALL, **MLA, **DEEPSEEK_MOE, q_lora_rank=None, n_shared_experts=1, topk_method="greedy", routed_scaling_factor=1.0,
        rope_parameters={**YARN, "mscale": 0.707, "mscale_all_dim": 0.707})
    yield "deepseek-v3-bf16", torch.bfloat16, t.DeepseekV3ForCausalLM, t.DeepseekV3Config(
        **COMMON, **MLA, **DEEPSEEK_MOE, q_lora_rank=20, n_shared_experts=1, n_group=4, topk_group=2,
        norm_topk_prob=True, routed_scaling_factor=2.5, rope_parameters=YARN)
    yield "deepseek-v3-f32", torch.float32, t.DeepseekV3ForCausalLM, t.DeepseekV3Config(
        **SMALL, **MLA, **DEEPSEEK_MOE, q_lora_rank=20, n_shared_experts=1, n_group=2, topk_group=1,
        norm_topk_prob=True, routed_scaling_factor=2.5, rope_parameters={**YARN, "mscale": 0.707})


def make(name, dtype, cls, config):
    config._attn_implementation = "eager"
    for seed in range(1, 50):
        model = cls(config).eval().float()
        randomise(stored_tensors(model), seed, dtype)

        @torch.no_grad()
        def logits_of(tokens):
            return model(torch.tensor([tokens]), use_cache=False).logits[0]

        numbers = oracle_numbers(logits_of, config.vocab_size, seed)
        if numbers is not None:
            break
    else:
        raise SystemExit(f"{name}: no seed keeps the two best tokens apart")

    directory = MODELS / name
    shutil.rmtree(directory, ignore_errors=True)
    model.to(dtype).save_pretrained(directory, max_shard_size="10MB")
    (directory / "generation_config.json").unlink(missing_ok=True)
    (directory / "model.safetensors").chmod(0o644)
    write_golden(directory, numbers, {
        "oracle": f"transformers {transformers.__version__}, torch {torch.__version__}, {cls.__name__}, float32, eager attention",
        "seed": seed,
    })
    size = (directory / "model.safetensors").stat().st_size
    print(f"{name}: seed {seed}, {size} bytes, spread {numbers['logits'].std():.2f}, gap {numbers['gap']:.4f}")


def stored_tensors(model):
    """Parameters and the router biases, which are buffers."""
    biases = [item for item in model.named_buffers() if item[0].endswith("e_score_correction_bias")]
    return [*model.named_parameters(), *biases]


if __name__ == "__main__":
    for name, *rest in cases():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, *rest)
