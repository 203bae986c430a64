import { existsSync } from 'node:fs'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openModel } from '../src/open-model.js'
import { TensorReader } from '../src/reading/tensor-reader.js'
import { attentionTensorRefs, ffnTensorRefs } from '../src/weights/tensor-refs.js'
import { ggufDenseTensors, ggufGqaTensors, ggufModel, ggufMoeTensors } from './support/checkpoints.js'
import type { GgufModel } from './support/checkpoints.js'
import { encodeGguf } from './support/gguf-file.js'
import { bytesOf, floatsOf, goldenPath, readGolden } from './support/golden.js'
import { temporaryDirectory } from './support/temporary-directory.js'

const defaultModel = fileURLToPath(new URL('../../default-model/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url))

async function write (model: GgufModel): Promise<string> {
  return join(await temporaryDirectory({ 'tiny.gguf': encodeGguf(model.entries, model.tensors) }), 'tiny.gguf')
}

describe('files of gguf-py', () => {
  it('open with RoPE factors, interleaved rotation and every end token', async () => {
    const model = await openModel(goldenPath('gguf-llama.gguf'))
    expect(model).toMatchObject({ name: 'gguf-llama', format: 'gguf', config: { architecture: 'llama', tieWordEmbeddings: true, bosTokenId: 1, eosTokenIds: [2, 3] } })
    expect(model.attention.lmHead).toBe(model.attention.tokenEmbd)
    expect(model.config.rope.interleaved).toBe(true)
    const expected = [1, 0.1, 0.01 / 2, 0.001 / 8]
    model.config.rope.invFreq.forEach((value, i) => { expect(value).toBeCloseTo(expected[i] ?? NaN, 8) })
  })

  it('read back the values gguf-py quantised', async () => {
    const { ffnDown, shape } = readGolden<{ ffnDown: string, shape: number[] }>('gguf-llama.json')
    const model = await openModel(goldenPath('gguf-llama.gguf'))
    const layer = model.ffn.layers[0]
    if (layer?.kind !== 'dense') throw new Error('expected a dense layer')
    expect(layer.down.shape).toEqual(shape)
    const reader = new TensorReader()
    expect(await reader.readFloat32(layer.down)).toEqual(floatsOf(ffnDown))
    await reader.close()
  })

  it('open from any part of a split model, and from its directory', async () => {
    const parts = ['gguf-llama-split-00001-of-00002.gguf', 'gguf-llama-split-00002-of-00002.gguf']
    const directory = await temporaryDirectory()
    for (const part of parts) await copyFile(goldenPath(part), join(directory, part))
    const models = await Promise.all([directory, ...parts.map(part => join(directory, part))].map(path => openModel(path)))
    const [whole] = models
    for (const model of models) expect(model).toMatchObject({ config: whole?.config, fingerprint: whole?.fingerprint })
    expect(models[1]?.name).toBe('gguf-llama-split')
    expect(new Set(attentionTensorRefs(models[0]!).map(ref => ref.path)).size).toBe(2)
  })

  it('are refused when a part is missing or in another one\'s place', async () => {
    const [first, second] = [1, 2].map(part => goldenPath(`gguf-llama-split-0000${part}-of-00002.gguf`)) as [string, string]
    const missing = await temporaryDirectory({ 'm-00001-of-00002.gguf': new Uint8Array(await readFile(first)) })
    await expect(openModel(missing)).rejects.toMatchObject({ code: 'model_not_found' })
    const swapped = await temporaryDirectory({ 'm-00001-of-00002.gguf': new Uint8Array(await readFile(second)), 'm-00002-of-00002.gguf': new Uint8Array(await readFile(first)) })
    await expect(openModel(swapped)).rejects.toThrow(/split.no must be 0/)
    await expect(openModel(join(missing, 'm-00003-of-00002.gguf'))).rejects.toMatchObject({ code: 'model_not_found' })
  })

  it.skipIf(!existsSync(defaultModel))('include the shipped model, whose sides cover the file', async () => {
    const model = await openModel(defaultModel, { name: 'smollm2' })
    expect(model.name).toBe('smollm2')
    expect(model.config).toMatchObject({ architecture: 'llama', vocabSize: 49_152, numLayers: 30, maxModelLen: 8192, attention: { kind: 'gqa', numHeads: 9, numKvHeads: 3, headDim: 64 } })
    const sum = (refs: ReadonlyArray<{ byteLength: number }>): number => refs.reduce((bytes, ref) => bytes + ref.byteLength, 0)
    // The data section starts at 1,785,664.
    expect(sum(attentionTensorRefs(model)) + sum(ffnTensorRefs(model))).toBe(98_362_432 - 1_785_664)
  })
})

describe('architectures', () => {
  const qkNorms = { 'blk.0.attn_q_norm.weight': [16], 'blk.0.attn_k_norm.weight': [16] }

  it('qwen3 rotates halves and has norms of q and k', async () => {
    const { config } = await openModel(await write(ggufModel('qwen3', { ...ggufGqaTensors, ...qkNorms, ...ggufDenseTensors })))
    expect(config).toMatchObject({ architecture: 'qwen3', attention: { qkNorm: true, headDim: 16 }, rope: { interleaved: false }, rmsNormEps: 0.5 })
  })

  it('qwen3moe cuts 3-D tensors into experts', async () => {
    const extra = [['qwen3moe.expert_count', 'u32', 4], ['qwen3moe.expert_used_count', 'u32', 2], ['qwen3moe.expert_feed_forward_length', 'u32', 16]] as const
    const model = await openModel(await write(ggufModel('qwen3moe', { ...ggufGqaTensors, ...qkNorms, ...ggufMoeTensors }, extra)))
    expect(model.config.ffn[0]).toMatchObject({ kind: 'moe', numExperts: 4, router: { topK: 2, normTopk: true, scoring: 'softmax' } })
    const [layer] = model.ffn.layers
    if (layer?.kind !== 'moe') throw new Error('expected a MoE layer')
    expect(layer.experts.map(expert => expert.up.offset - (layer.experts[0]?.up.offset ?? 0))).toEqual([0, 2048, 4096, 6144])
    expect(ffnTensorRefs(model).length).toBe(12)
    expect(model.attention.layers[0]?.router?.shape).toEqual([4, 32])
  })

  const mlaEntries = [
    ['deepseek2.attention.key_length', 'u32', 24], ['deepseek2.attention.value_length', 'u32', 16],
    ['deepseek2.attention.key_length_mla', 'u32', 16], ['deepseek2.attention.value_length_mla', 'u32', 8],
    ['deepseek2.attention.kv_lora_rank', 'u32', 16], ['deepseek2.attention.q_lora_rank', 'u32', 20], ['deepseek2.rope.dimension_count', 'u32', 8],
    ['deepseek2.rope.scaling.type', 'string', 'yarn'], ['deepseek2.rope.scaling.factor', 'f32', 40],
    ['deepseek2.rope.scaling.original_context_length', 'u32', 64], ['deepseek2.rope.scaling.yarn_log_multiplier', 'f32', 0.1],
    ['deepseek2.leading_dense_block_count', 'u32', 0],
    ['deepseek2.expert_count', 'u32', 4], ['deepseek2.expert_used_count', 'u32', 2], ['deepseek2.expert_feed_forward_length', 'u32', 16],
    ['deepseek2.expert_shared_count', 'u32', 1], ['deepseek2.expert_gating_func', 'u32', 2], ['deepseek2.expert_weights_norm', 'bool', 1],
    ['deepseek2.expert_weights_scale', 'f32', 2.5], ['deepseek2.expert_group_count', 'u32', 2], ['deepseek2.expert_group_used_count', 'u32', 1]
  ] as const
  const mlaTensors = {
    'blk.0.attn_q_a.weight': [20, 32], 'blk.0.attn_q_a_norm.weight': [20], 'blk.0.attn_q_b.weight': [64, 20], 'blk.0.attn_kv_a_mqa.weight': [24, 32],
    'blk.0.attn_kv_a_norm.weight': [16], 'blk.0.attn_k_b.weight': [4, 16, 8], 'blk.0.attn_v_b.weight': [4, 8, 16], 'blk.0.attn_output.weight': [32, 32],
    'blk.0.exp_probs_b.bias': [4], 'blk.0.ffn_gate_shexp.weight': [16, 32], 'blk.0.ffn_up_shexp.weight': [16, 32], 'blk.0.ffn_down_shexp.weight': [32, 16],
    ...ggufMoeTensors
  }

  it('deepseek2 is V3 when it scores with sigmoid, and keeps the split kv_b', async () => {
    const model = await openModel(await write(ggufModel('deepseek2', mlaTensors, mlaEntries)))
    expect(model.config).toMatchObject({
      architecture: 'deepseek_v3',
      attention: { kind: 'mla', qkNopeHeadDim: 8, qkRopeHeadDim: 8, vHeadDim: 8, kvLoraRank: 16, qLoraRank: 20 },
      rope: { interleaved: true, attentionFactor: 1 }
    })
    expect(model.config.attention.scale).toBeCloseTo(16 ** -0.5 * 1.36889 ** 2, 4)
    expect(model.config.ffn[0]).toMatchObject({ sharedIntermediateSize: 16, router: { groupScore: 'top2_sum', hasBias: true, scalingFactor: 2.5, numGroups: 2 } })
    expect(model.attention.layers[0]?.attention).toMatchObject({ kB: { shape: [4, 16, 8] }, vB: { shape: [4, 8, 16] } })
  })

  it('deepseek2 is V2 otherwise; older files state head sizes in key_length', async () => {
    const { 'blk.0.attn_k_b.weight': _k, 'blk.0.attn_v_b.weight': _v, 'blk.0.exp_probs_b.bias': _b, ...rest } = mlaTensors
    const skipped = ['_mla', 'gating_func', 'weights_norm', 'weights_scale', 'group', 'log_multiplier']
    const entries = mlaEntries.filter(([key]) => !skipped.some(part => key.includes(part)) && !key.endsWith('_length'))
    const older = [...entries, ['deepseek2.expert_feed_forward_length', 'u32', 16], ['deepseek2.attention.key_length', 'u32', 16], ['deepseek2.attention.value_length', 'u32', 8]] as const
    const { config, attention } = await openModel(await write(ggufModel('deepseek2', { ...rest, 'blk.0.attn_kv_b.weight': [64, 16] }, older)))
    expect(config).toMatchObject({ architecture: 'deepseek_v2', attention: { qkNopeHeadDim: 8, vHeadDim: 8, scale: 0.25 } })
    expect(config.rope.attentionFactor).toBeCloseTo(0.1 * Math.log(40) + 1, 6)
    expect(attention.layers[0]?.attention).toMatchObject({ kvB: { shape: [64, 16] } })
  })

  it('step3 is Step-3 text', async () => {
    const extra = [
      ['step3.attention.head_count_kv', 'u32', 1], ['step3.attention.q_lora_rank', 'u32', 20],
      ['step3.expert_count', 'u32', 4], ['step3.expert_used_count', 'u32', 3], ['step3.expert_feed_forward_length', 'u32', 16],
      ['step3.expert_shared_feed_forward_length', 'u32', 8]
    ] as const
    const tensors = {
      'blk.0.attn_q_a.weight': [20, 32], 'blk.0.attn_q_a_norm.weight': [20], 'blk.0.attn_q_b.weight': [64, 20], 'blk.0.attn_k.weight': [16, 32],
      'blk.0.attn_v.weight': [16, 32], 'blk.0.attn_output.weight': [32, 64], 'output.weight': [24, 32],
      'blk.0.ffn_gate_shexp.weight': [8, 32], 'blk.0.ffn_up_shexp.weight': [8, 32], 'blk.0.ffn_down_shexp.weight': [32, 8], ...ggufMoeTensors
    }
    const { config } = await openModel(await write(ggufModel('step3', tensors, extra)))
    expect(config).toMatchObject({ architecture: 'step3_text', tieWordEmbeddings: false, attention: { kind: 'mfa', shareQDim: 20 }, rope: { interleaved: false } })
    expect(config.ffn[0]).toMatchObject({ sharedIntermediateSize: 8, router: { topK: 3, normTopk: false } })
  })
})

describe('refusals', () => {
  const llama = { ...ggufGqaTensors, ...ggufDenseTensors }

  it.each([
    [ggufModel('gemma3', llama), 'architecture_unsupported', /gemma3 is not supported/],
    [ggufModel('llama', llama, [['llama.rope.scaling.type', 'string', 'longrope']]), 'rope_type_unsupported', /llama.rope.scaling.type = longrope/],
    [ggufModel('llama', llama, [['llama.attention.head_count_kv', 'u32', 3]]), 'config_key_invalid', /llama.attention.head_count_kv/],
    [ggufModel('llama', llama, [['llama.block_count', 'u32', 4_000_000_000]]), 'config_key_invalid', /llama.block_count/],
    [ggufModel('llama', llama, [['llama.block_count', 'u32', 2]]), 'tensor_missing', /blk.1.attn_norm.weight is missing/],
    [ggufModel('llama', llama, [['llama.attention.sliding_window', 'u32', 64]]), 'config_key_unsupported', /sliding_window = 64/],
    [ggufModel('llama', { ...llama, 'blk.0.attn_output.bias': [32] }), 'config_key_unsupported', /output projection/],
    [ggufModel('llama', { ...llama, 'rope_freqs.weight': [3] }), 'tensor_shape_mismatch', /rope_freqs.weight has shape \[3\], expected \[8\]/],
    [ggufModel('llama', { ...llama, 'rope_freqs.weight': [8] }), 'model_header_invalid', /rope_freqs.weight: a factor is not a positive number/],
    [ggufModel('llama', { ...llama, 'blk.0.ffn_down.weight': [48, 32] }), 'tensor_shape_mismatch', /blk.0.ffn_down.weight has shape \[48, 32\], expected \[32, 48\]/]
  ])('names what is wrong (%#)', async (model, code, message) => {
    const opened = openModel(await write(model))
    await expect(opened).rejects.toMatchObject({ code })
    await expect(opened).rejects.toThrow(message)
  })

  it('names a tensor in a format that is known by size only', async () => {
    const { entries, tensors } = ggufModel('llama', { ...llama, 'output.weight': [24, 32] })
    const q2k = tensors.map(tensor => tensor.name === 'blk.0.attn_q.weight' ? { ...tensor, shape: [1, 256], typeId: 10 } : tensor)
    await expect(openModel(await write({ entries, tensors: q2k }))).rejects.toMatchObject({ code: 'tensor_shape_mismatch' })
    const iq4 = tensors.map(tensor => tensor.name === 'blk.0.attn_q.weight' ? { ...tensor, typeId: 20, bytes: new Uint8Array(64 * 18) } : tensor)
    await expect(openModel(await write({ entries, tensors: iq4 }))).rejects.toThrow(/blk.0.attn_q.weight is stored as IQ4_NL, expected F32/)
  })

  it('names what a path lacks', async () => {
    await expect(openModel('/nowhere/at/all')).rejects.toMatchObject({ code: 'model_not_found' })
    await expect(openModel(await temporaryDirectory())).rejects.toMatchObject({ code: 'model_format_unknown' })
    const two = await temporaryDirectory({ 'a.gguf': bytesOf(''), 'b.gguf': bytesOf('') })
    await expect(openModel(two)).rejects.toThrow(/found 2/)
    const text = await temporaryDirectory({ 'model.bin': bytesOf('') })
    await expect(openModel(join(text, 'model.bin'))).rejects.toMatchObject({ code: 'model_format_unknown' })
  })
})
