"""Makes the goldens of GGUF files: quantised weights, tensor names and metadata keys as gguf-py defines them.

    python make_gguf_goldens.py [NAME ...]

A tiny random model of transformers is quantised with gguf-py, written the way llama.cpp's converter lays tensors out (llama: q and k
permuted; deepseek2: kv_b split and its key half transposed; experts stacked), and its logits are computed by transformers on the
dequantised weights. gguf-py dequantises the K formats but cannot quantise to them, so those tensors are random blocks instead: every
bit pattern is a valid one.
"""
import re
import shutil
import sys

import gguf
import numpy
import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from make_transformers_goldens import stored_tensors
from tiny_models import MODELS, oracle_numbers, randomise, write_golden

COMMON = dict(vocab_size=160, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
              max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1, pad_token_id=None)
TYPES = gguf.GGMLQuantizationType
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64, beta_fast=32, beta_slow=1,
            mscale=1.0, mscale_all_dim=1.0, rope_theta=10000.0)

PLAIN_TYPES = (TYPES.Q8_0, TYPES.Q4_0, TYPES.Q5_1, TYPES.F16, TYPES.Q4_1, TYPES.BF16, TYPES.Q5_0)
K_TYPES = (TYPES.Q4_K, TYPES.Q6_K, TYPES.Q5_K, TYPES.Q8_0, TYPES.Q4_K, TYPES.Q5_0, TYPES.Q5_K, TYPES.Q6_K, TYPES.Q5_1)
# Where a block keeps its float16 factors: (offset of the factor of the values, of that of the minimums).
K_FACTORS = {TYPES.Q4_K: (0, 2), TYPES.Q5_K: (0, 2), TYPES.Q6_K: (208, None)}
# K blocks hold 256 values of one row.
K_SHAPES = dict(hidden_size=256, head_dim=64, num_attention_heads=4)

LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64, rope_theta=10000.0)


def cases():
    t = transformers
    yield "gguf-llama", "llama", t.LlamaForCausalLM, t.LlamaConfig(**COMMON, num_key_value_heads=2, rope_parameters=LLAMA3)
    yield "gguf-llama-k", "llama", t.LlamaForCausalLM, t.LlamaConfig(
        **{**COMMON, **K_SHAPES, "intermediate_size": 512}, num_key_value_heads=1), K_TYPES
    yield "gguf-qwen3moe-k", "qwen3moe", t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(
        **{**COMMON, **K_SHAPES, "num_hidden_layers": 1}, num_key_value_heads=1, num_experts=3, num_experts_per_tok=2,
        moe_intermediate_size=256, norm_topk_prob=True), K_TYPES
    yield "gguf-qwen3moe", "qwen3moe", t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(
        **COMMON, num_key_value_heads=2, head_dim=32, num_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, norm_topk_prob=True)
    yield "gguf-deepseek2", "deepseek2", t.DeepseekV3ForCausalLM, t.DeepseekV3Config(
        **COMMON, num_key_value_heads=4, kv_lora_rank=32, q_lora_rank=32, qk_nope_head_dim=32, qk_rope_head_dim=8, v_head_dim=16,
        n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=32, first_k_dense_replace=1, n_shared_experts=1, n_group=4,
        topk_group=2, norm_topk_prob=True, routed_scaling_factor=2.5, rope_parameters=YARN)


def type_of(name, index, cycle):
    """Norms, biases and routers stay float32 as converters leave them; the rest goes through the types of `cycle` in turn."""
    if name.endswith("layernorm.weight") or "norm." in name or ".gate.weight" in name or name.endswith("bias"):
        return TYPES.F32
    return cycle[index % len(cycle)]


def permuted(weight, num_heads):
    """Rows of each head from (i, i + d/2) pairs to neighbours."""
    return weight.reshape(num_heads, 2, -1, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)


def laid_out(name, weight, arch, config):
    """Checkpoint tensor -> the tensors llama.cpp's converter writes for it."""
    if arch == "llama" and "q_proj" in name:
        return {name: permuted(weight, config.num_attention_heads)}
    if arch == "llama" and "k_proj" in name:
        return {name: permuted(weight, config.num_key_value_heads)}
    if arch == "deepseek2" and "kv_b_proj" in name:
        nope = config.qk_nope_head_dim
        heads = weight.reshape(config.num_attention_heads, nope + config.v_head_dim, -1)
        return {name.replace("kv_b", "k_b"): heads[:, :nope].swapaxes(1, 2), name.replace("kv_b", "v_b"): heads[:, nope:]}
    return {name: weight}


def inverse(name, parts, arch, config):
    """What the checkpoint tensor is, given what was stored."""
    if arch == "llama" and ("q_proj" in name or "k_proj" in name):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        return parts[name].reshape(heads, -1, 2, parts[name].shape[-1]).swapaxes(1, 2).reshape(parts[name].shape)
    if arch == "deepseek2" and "kv_b_proj" in name:
        keys, values = parts[name.replace("kv_b", "k_b")], parts[name.replace("kv_b", "v_b")]
        return numpy.concatenate([keys.swapaxes(1, 2), values], axis=1).reshape(-1, values.shape[-1])
    return parts[name]


def random_blocks(weight, kind, generator):
    """K blocks of random bits with the shape and about the spread of `weight`, and a mean of 0."""
    _, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    value_at, minimum_at = K_FACTORS[kind]
    blocks = generator.integers(0, 256, (weight.size // 256, block_bytes), dtype=numpy.uint8)

    def set_factors(value, minimum):
        for at, factor in ((value_at, value), (minimum_at, minimum)):
            if at is not None:
                blocks[:, at:at + 2] = numpy.broadcast_to(factor, len(blocks)).astype("<f2")[:, None].view(numpy.uint8)

    set_factors(1, 0)
    values = gguf.quants.dequantize(blocks, kind)
    set_factors(0, -1)
    ratio = 0 if minimum_at is None else values.mean() / gguf.quants.dequantize(blocks, kind).mean()
    set_factors(1, ratio)
    scale = weight.std() / gguf.quants.dequantize(blocks, kind).std() * generator.uniform(0.7, 1.3, len(blocks))
    set_factors(scale, ratio * scale)
    return blocks.reshape(*weight.shape[:-1], -1)


def quantised(model, arch, config, cycle, seed):
    """Quantises the model's weights in place. Returns the tensors to write: name -> (bytes, type)."""
    stored = {}
    generator = numpy.random.default_rng(seed)
    for index, (name, tensor) in enumerate(stored_tensors(model)):
        parts = {}
        for part, weight in laid_out(name, tensor.detach().numpy(), arch, config).items():
            kind = type_of(name, index, cycle)
            weight = numpy.ascontiguousarray(weight)
            data = random_blocks(weight, kind, generator) if kind in K_FACTORS else gguf.quants.quantize(weight, kind)
            parts[part] = gguf.quants.dequantize(data, kind).reshape(weight.shape)
            stored[part] = (data, kind)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(numpy.ascontiguousarray(inverse(name, parts, arch, config))))
    return stored


def write_metadata(writer, arch, config):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    if arch != "llama":
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        writer.add_expert_count(config.num_experts if arch == "qwen3moe" else config.n_routed_experts)
    if arch != "deepseek2":
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
        return
    writer.add_head_count_kv(1)
    writer.add_key_length(config.kv_lora_rank + config.qk_rope_head_dim)
    writer.add_value_length(config.kv_lora_rank)
    writer.add_key_length_mla(config.qk_nope_head_dim + config.qk_rope_head_dim)
    writer.add_value_length_mla(config.v_head_dim)
    writer.add_q_lora_rank(config.q_lora_rank)
    writer.add_kv_lora_rank(config.kv_lora_rank)
    writer.add_rope_dimension_count(config.qk_rope_head_dim)
    writer.add_leading_dense_block_count(config.first_k_dense_replace)
    writer.add_expert_shared_count(config.n_shared_experts)
    writer.add_expert_group_count(config.n_group)
    writer.add_expert_group_used_count(config.topk_group)
    writer.add_expert_weights_scale(config.routed_scaling_factor)
    writer.add_expert_weights_norm(config.norm_topk_prob)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(YARN["factor"])
    writer.add_rope_scaling_orig_ctx_len(YARN["original_max_position_embeddings"])
    writer.add_rope_scaling_yarn_log_mul(0.1 * YARN["mscale_all_dim"])


def write_gguf(path, arch, config, stored):
    writer = gguf.GGUFWriter(path, arch)
    write_metadata(writer, arch, config)
    architecture = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == arch)
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    for name, (data, kind) in stored.items():
        if name.endswith("gate_up_proj"):  # transformers fuses what files keep apart
            gate, up = numpy.split(data, 2, axis=1)
            pieces = {name.replace("gate_up_proj", "gate_proj"): gate, name.replace("gate_up_proj", "up_proj"): up}
        else:
            pieces = {name: data}
        for piece, bytes_ in pieces.items():
            stem = re.sub(r"\.weight$", "", piece).replace("e_score_correction_bias", "e_score_correction")
            target = names.get_name(stem)
            assert target, f"gguf-py has no name for {piece}"
            suffix = ".bias" if piece.endswith("bias") else ".weight"
            writer.add_tensor(target + suffix, numpy.ascontiguousarray(bytes_), raw_dtype=kind)
    if config.rope_parameters["rope_type"] == "llama3":
        scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        plain = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, config.head_dim, 2).float() / config.head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / scaled).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(name, arch, cls, config, cycle=PLAIN_TYPES):
    config._attn_implementation = "eager"
    for seed in range(1, 50):
        model = cls(config).eval().float()
        randomise(stored_tensors(model), seed, torch.float32)
        stored = quantised(model, arch, config, cycle, seed)

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
    directory.mkdir()
    write_gguf(directory / "model.gguf", arch, config, stored)
    write_golden(directory, numbers, {
        "oracle": f"transformers {transformers.__version__}, torch {torch.__version__}, {cls.__name__}, float32, eager attention, "
                  + ("on weights dequantised by gguf-py" if cycle is K_TYPES else "on weights quantised and dequantised by gguf-py"),
        "seed": seed,
    })
    print(f"{name}: seed {seed}, {(directory / 'model.gguf').stat().st_size} bytes, gap {numbers['gap']:.4f}")


if __name__ == "__main__":
    for name, *rest in cases():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make(name, *rest)
