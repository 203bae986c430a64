import { describe, expect, it } from 'vitest'
import { readHfConfig } from '../../src/config/hf-config.js'
import { readScaleBlock } from '../../src/config/hf-quantization.js'
import { KeyReader, recordLookup } from '../../src/config/key-reader.js'
import type { ModelConfig } from '../../src/model-config.js'
import { step3Config } from '../support/checkpoints.js'
import { goldenCheckpoint } from '../support/golden.js'

const noHints = { hasLmHead: true, hasQkvBias: false, hasOutputBias: false }

function read (config: Record<string, unknown>, hints = noHints): ModelConfig {
  return readHfConfig(new KeyReader('config.json', recordLookup(config)), undefined, hints)
}

const base = (name: string): Record<string, unknown> => ({ ...goldenCheckpoint(name).config })

describe('what config.json leaves open', () => {
  it('ties the head when there is none and nothing is said', () => {
    const { tie_word_embeddings: _, ...config } = base('llama')
    expect(read(config, { ...noHints, hasLmHead: false }).tieWordEmbeddings).toBe(true)
    expect(read(config).tieWordEmbeddings).toBe(false)
    expect(read({ ...config, tie_word_embeddings: false }, { ...noHints, hasLmHead: false }).tieWordEmbeddings).toBe(false)
  })

  it('divides the hidden size by the heads, and has as many KV heads as heads', () => {
    const { head_dim: _, num_key_value_heads: __, ...config } = base('llama')
    expect(read(config).attention).toMatchObject({ headDim: 8, numKvHeads: 4 })
  })

  it('has biases of q, k and v when the checkpoint does', () => {
    expect(read(base('llama'), { ...noHints, hasQkvBias: true }).attention).toMatchObject({ qkvBias: true })
  })

  it('gives Kimi K2 the DeepSeek-V3 architecture', () => {
    expect(read({ ...base('deepseek_v3'), model_type: 'kimi_k2' }).architecture).toBe('deepseek_v3')
  })

  it('takes a window over the whole context as none', () => {
    expect(read({ ...base('mistral'), sliding_window: 512 }).maxModelLen).toBe(512)
    expect(read({ ...base('qwen3'), sliding_window: 64, use_sliding_window: false }).maxModelLen).toBe(512)
  })

  it.each(['max_position_embedding', 'max_position_embeddings', 'max_seq_len'])('reads the context length of Step-3 from %s', key => {
    const { max_position_embedding: _, max_seq_len: __, ...config } = step3Config
    expect(read({ ...config, [key]: 777 }).maxModelLen).toBe(777)
  })
})

describe('refusals', () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ['llama', { model_type: 'gpt2' }, 'architecture_unsupported', 'architecture gpt2 is not supported'],
    ['llama', { model_type: 'toString' }, 'architecture_unsupported', 'toString'],
    ['llama', { model_type: undefined }, 'config_key_invalid', 'model_type must be a text'],
    ['llama', { hidden_act: 'gelu' }, 'config_key_unsupported', 'hidden_act'],
    ['llama', { mlp_bias: true }, 'config_key_unsupported', 'mlp_bias'],
    ['llama', { head_dim: 7 }, 'config_key_invalid', 'head_dim must be even'],
    ['llama', { num_key_value_heads: 3 }, 'config_key_invalid', 'num_key_value_heads must be a divisor'],
    ['llama', { num_hidden_layers: 1e9 }, 'config_key_invalid', 'num_hidden_layers'],
    ['llama', { eos_token_id: 64 }, 'config_key_invalid', 'eos_token_id must be a token id below 64'],
    ['llama', { rms_norm_eps: 'small' }, 'config_key_invalid', 'rms_norm_eps'],
    ['mistral', { sliding_window: 64 }, 'config_key_unsupported', 'sliding_window = 64'],
    ['qwen3', { use_sliding_window: true, sliding_window: 64 }, 'config_key_unsupported', 'sliding_window'],
    ['qwen3', { layer_types: ['full_attention', 'sliding_attention'] }, 'config_key_unsupported', 'layer_types'],
    ['qwen3_moe', { num_experts_per_tok: 5 }, 'config_key_invalid', 'num_experts_per_tok must be at most the 4 experts'],
    ['qwen3_moe', { mlp_only_layers: 'all' }, 'config_key_invalid', 'mlp_only_layers'],
    ['deepseek_v2', { topk_method: 'noaux_tc' }, 'config_key_unsupported', 'topk_method'],
    ['deepseek_v2', { norm_topk_prob: true }, 'config_key_unsupported', 'norm_topk_prob'],
    ['deepseek_v2', { n_group: 3 }, 'config_key_invalid', 'groups that divide 8 experts'],
    ['deepseek_v3', { scoring_func: 'softmax' }, 'config_key_unsupported', 'scoring_func'],
    ['deepseek_v3', { n_group: 8 }, 'config_key_invalid', 'groups of at least 2 experts'],
    ['deepseek_v3', { kv_lora_rank: undefined }, 'config_key_invalid', 'kv_lora_rank']
  ])('%s with %j', (name, change, code, text) => {
    const attempt = (): unknown => read({ ...base(name), ...change })
    expect(attempt).toThrow(expect.objectContaining({ code }))
    expect(attempt).toThrow(text)
  })

  it('of biases the equations do not have', () => {
    expect(() => read(base('llama'), { ...noHints, hasOutputBias: true })).toThrow(/attention_bias/)
    expect(() => read(base('qwen3'), { ...noHints, hasQkvBias: true })).toThrow(/attention_bias/)
  })

  it('of a Step-3 with several KV groups or layers that are no numbers', () => {
    expect(() => read({ ...step3Config, num_attention_groups: 2 })).toThrow(/num_attention_groups = 2/)
    expect(() => read({ ...step3Config, moe_layers_enum: '1,x' })).toThrow(/moe_layers_enum/)
  })
})

describe('quantization_config', () => {
  const block = (config: Record<string, unknown>): unknown => readScaleBlock(new KeyReader('c', recordLookup(config)))

  it('is read at either level', () => {
    const fp8 = { quant_method: 'fp8', weight_block_size: [128, 64] }
    expect(block({ quantization_config: fp8 })).toEqual({ rows: 128, columns: 64 })
    expect(block({ text_config: { quantization_config: fp8 } })).toEqual({ rows: 128, columns: 64 })
    expect(block({})).toBeUndefined()
  })

  it('is refused when it is none of ours', () => {
    expect(() => block({ quantization_config: { quant_method: 'awq' } })).toThrow(/quant_method = "awq"/)
    expect(() => block({ quantization_config: { quant_method: 'fp8', fmt: 'e5m2' } })).toThrow(/fmt = "e5m2"/)
    expect(() => block({ quantization_config: { quant_method: 'fp8', weight_block_size: [0, 128] } })).toThrow(/weight_block_size/)
  })
})
