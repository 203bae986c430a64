import { describe, expect, it } from 'vitest'
import { openModel } from '../src/open-model.js'
import { TensorReader } from '../src/reading/tensor-reader.js'
import type { FfnLayerWeights, GatedMlpWeights, MlaWeights } from '../src/weights.js'
import { asTransformers4, hfFiles, step3Config, step3Tensors, tensorsOf } from './support/checkpoints.js'
import { goldenCheckpoint, goldenCheckpoints } from './support/golden.js'
import { encodeSafetensors, float32Bytes } from './support/safetensors-file.js'
import { temporaryDirectory } from './support/temporary-directory.js'

function expertsOf (layer: FfnLayerWeights | undefined): readonly GatedMlpWeights[] {
  if (layer?.kind !== 'moe') throw new Error('expected a MoE layer')
  return layer.experts
}

describe('checkpoints of transformers 5', () => {
  it.each(Object.keys(goldenCheckpoints))('%s opens with the scale and frequencies transformers uses', async name => {
    const golden = goldenCheckpoint(name)
    const directory = await temporaryDirectory(hfFiles(golden.config, tensorsOf(golden), golden.generationConfig))
    const { config, format, attention, ffn } = await openModel(directory)
    expect(format).toBe('safetensors')
    expect(config.attention.scale).toBeCloseTo(golden.scaling, 7)
    expect(config.rope.attentionFactor).toBeCloseTo(golden.attentionFactor, 6)
    golden.invFreq.forEach((value, i) => { expect(Math.abs((config.rope.invFreq[i] ?? NaN) / value - 1)).toBeLessThan(2e-6) })
    expect(attention.layers.length).toBe(2)
    expect(ffn.layers.length).toBe(2)
  })

  it.each(Object.keys(goldenCheckpoints))('%s opens alike from a config of transformers 4', async name => {
    const golden = goldenCheckpoint(name)
    const newer = await openModel(await temporaryDirectory(hfFiles(golden.config, tensorsOf(golden))))
    const older = await openModel(await temporaryDirectory(hfFiles(asTransformers4(golden.config), tensorsOf(golden))))
    expect(older.config).toEqual(newer.config)
    expect(older.fingerprint).toBe(newer.fingerprint)
  })

  it('gives routers their rules', async () => {
    const routerOf = async (name: string): Promise<unknown> => {
      const golden = goldenCheckpoint(name)
      const { config } = await openModel(await temporaryDirectory(hfFiles(golden.config, tensorsOf(golden))))
      expect(config.ffn[0]?.kind).toBe('dense')
      return config.ffn[1]
    }
    const plain = { scoring: 'softmax', topK: 2, numGroups: 1, topKGroups: 1, groupScore: 'max', hasBias: false, scalingFactor: 1 }
    expect(await routerOf('qwen3_moe')).toEqual({
      kind: 'moe', numExperts: 4, intermediateSize: 16, sharedIntermediateSize: 0, router: { ...plain, normTopk: true }
    })
    expect(await routerOf('deepseek_v2_lite')).toEqual({
      kind: 'moe', numExperts: 4, intermediateSize: 16, sharedIntermediateSize: 32, router: { ...plain, normTopk: false }
    })
    expect(await routerOf('deepseek_v2')).toMatchObject({ router: { numGroups: 4, topKGroups: 2, groupScore: 'max', scalingFactor: 16 } })
    expect(await routerOf('deepseek_v3')).toMatchObject({
      router: { scoring: 'sigmoid', numGroups: 2, topKGroups: 1, groupScore: 'top2_sum', hasBias: true, normTopk: true, scalingFactor: 2.5 }
    })
  })

  it('reads direct and low-rank queries of DeepSeek', async () => {
    const open = async (name: string): Promise<MlaWeights> => {
      const golden = goldenCheckpoint(name)
      const model = await openModel(await temporaryDirectory(hfFiles(golden.config, tensorsOf(golden))))
      return model.attention.layers[0]?.attention as MlaWeights
    }
    expect(await open('deepseek_v2_lite')).toMatchObject({ q: { shape: [64, 32] } })
    expect(await open('deepseek_v3')).toMatchObject({ qA: { shape: [24, 32] }, qB: { shape: [64, 24] }, kvB: { shape: [64, 16] } })
  })

  it('joins end tokens of config.json and generation_config.json', async () => {
    const golden = goldenCheckpoint('llama')
    const files = hfFiles({ ...golden.config, eos_token_id: [5, -1] }, tensorsOf(golden), { eos_token_id: [2, 5], bos_token_id: null })
    const { config } = await openModel(await temporaryDirectory(files))
    expect(config.eosTokenIds).toEqual([2, 5])
    expect(config.bosTokenId).toBe(1)
  })
})

describe('Step-3', () => {
  it('opens with stacked experts as one reference each', async () => {
    const tensors = step3Tensors('F32')
    tensors['model.layers.1.moe.down_proj.weight'] = { dtype: 'F32', shape: [4, 32, 16], bytes: float32Bytes(Array.from({ length: 4 * 32 * 16 }, (_, i) => i)) }
    const model = await openModel(await temporaryDirectory(hfFiles(step3Config, tensors)))
    expect(model.config.attention).toEqual({ kind: 'mfa', numHeads: 4, numKvHeads: 1, headDim: 16, shareQDim: 24, scale: 0.25 })
    expect(model.config.ffn.map(ffn => ffn.kind)).toEqual(['dense', 'moe', 'dense'])
    expect(model.config.ffn[1]).toMatchObject({ sharedIntermediateSize: 24, router: { topK: 3, normTopk: false } })
    const down = expertsOf(model.ffn.layers[1])[2]?.down
    if (down === undefined) throw new Error('no expert 2')
    expect(down.shape).toEqual([32, 16])
    const reader = new TensorReader()
    expect([...await reader.readFloat32(down, { rowStart: 1, rowEnd: 2, colEnd: 3 })]).toEqual([1040, 1041, 1042])
    await reader.close()
  })

  it('opens inside step3_vl, its tensors under either prefix', async () => {
    const config = { model_type: 'step3_vl', architectures: ['Step3VLForConditionalGeneration'], text_config: step3Config, vision_config: {} }
    const plain = await openModel(await temporaryDirectory(hfFiles(config, step3Tensors())))
    const nested = Object.fromEntries(Object.entries(step3Tensors()).map(([name, spec]) => [name.replace(/^model\./, 'model.language_model.'), spec]))
    const wrapped = await openModel(await temporaryDirectory(hfFiles(config, nested)))
    expect(wrapped.config).toEqual(plain.config)
    expect(plain.config.eosTokenIds).toEqual([1, 3])
  })

  it.each([
    ['a list', [1], ['dense', 'moe', 'dense']],
    ['spaced text', ' 1 , 2 ', ['dense', 'moe', 'moe']],
    ['absent', undefined, ['dense', 'moe', 'moe']]
  ])('reads moe_layers_enum as %s', async (_, value, expected) => {
    const config = { ...step3Config, moe_layers_enum: value }
    const opened = openModel(await temporaryDirectory(hfFiles(config, step3Tensors())))
    if (expected[2] === 'moe') await expect(opened).rejects.toThrow(/model.layers.2.moe.gate.weight is missing/)
    else expect((await opened).config.ffn.map(ffn => ffn.kind)).toEqual(expected)
  })
})

describe('experts', () => {
  const golden = goldenCheckpoint('qwen3_moe')

  it('may be stacked with gate and up fused', async () => {
    const tensors = Object.fromEntries(Object.entries(tensorsOf(golden)).filter(([name]) => !name.includes('.experts.')))
    const values = float32Bytes(Array.from({ length: 4 * 32 * 32 }, (_, i) => i))
    tensors['model.layers.1.mlp.experts.gate_up_proj'] = { dtype: 'F32', shape: [4, 32, 32], bytes: values }
    tensors['model.layers.1.mlp.experts.down_proj'] = { dtype: 'F32', shape: [4, 32, 16] }
    const model = await openModel(await temporaryDirectory(hfFiles(golden.config, tensors)))
    const expert = expertsOf(model.ffn.layers[1])[3]
    if (expert === undefined) throw new Error('no expert 3')
    const reader = new TensorReader()
    expect((await reader.readFloat32(expert.gate))[0]).toBe(3 * 32 * 32)
    expect((await reader.readFloat32(expert.up))[0]).toBe(3 * 32 * 32 + 16 * 32)
    expect(expert.up.shape).toEqual([16, 32])
    await reader.close()
  })
})

describe('FP8 checkpoints', () => {
  const quantization = { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [8, 8], activation_scheme: 'dynamic' }

  it('carry block scales, stacked experts too', async () => {
    const tensors = step3Tensors()
    for (const name of Object.keys(tensors).filter(key => /_proj\.weight$|wq\.weight$/.test(key))) {
      const shape = tensors[name]?.shape ?? []
      tensors[name] = { dtype: 'F8_E4M3', shape, bytes: new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(0x38) }
      const scaleShape = [...shape.slice(0, -2), ...shape.slice(-2).map(size => Math.ceil(size / 8))]
      const count = scaleShape.reduce((a, b) => a * b, 1)
      tensors[`${name}_scale_inv`] = { dtype: 'F32', shape: scaleShape, bytes: float32Bytes(Array.from({ length: count }, (_, i) => i)) }
    }
    const model = await openModel(await temporaryDirectory(hfFiles({ ...step3Config, quantization_config: quantization }, tensors)))
    const reader = new TensorReader()
    // down_proj scales are [4, 4, 2]; 0x38 is 1.0.
    const down = expertsOf(model.ffn.layers[1])[1]?.down
    if (down === undefined) throw new Error('no expert 1')
    expect(down.blockScale?.ref.shape).toEqual([4, 2])
    expect([...await reader.readFloat32(down, { rowStart: 9, rowEnd: 10, colStart: 7, colEnd: 9 })]).toEqual([10, 11])
    await reader.close()
  })

  it('are refused without scales, without a block size and with other methods', async () => {
    const tensors = step3Tensors()
    tensors['lm_head.weight'] = { dtype: 'F8_E4M3', shape: [64, 32] }
    const open = async (config: Record<string, unknown>): Promise<unknown> => {
      return openModel(await temporaryDirectory(hfFiles({ ...step3Config, ...config }, tensors)))
    }
    await expect(open({ quantization_config: quantization })).rejects.toThrow(/lm_head.weight_scale_inv is missing/)
    await expect(open({})).rejects.toThrow(/lm_head.weight is stored as F8_E4M3, expected a matrix with quantization_config.weight_block_size/)
    await expect(open({ quantization_config: { quant_method: 'gptq' } })).rejects.toThrow(/quantization_config.quant_method = "gptq"/)
    await expect(open({ quantization_config: { quant_method: 'fp8' } })).rejects.toThrow(/quantization_config.weight_block_size/)
  })
})

describe('shards', () => {
  const golden = goldenCheckpoint('llama')
  const tensors = Object.entries(tensorsOf(golden))
  const half = (part: number): Uint8Array => encodeSafetensors(Object.fromEntries(tensors.filter((_, i) => i % 2 === part)))
  const files = { 'config.json': golden.config, 'model-00001-of-00002.safetensors': half(0), 'model-00002-of-00002.safetensors': half(1) }
  const weightMap = Object.fromEntries(tensors.map(([name], i) => [name, `model-0000${i % 2 + 1}-of-00002.safetensors`]))
  const open = async (map: unknown): Promise<unknown> => openModel(await temporaryDirectory({ ...files, 'model.safetensors.index.json': { weight_map: map } }))

  it('open by their index', async () => {
    expect(await open(weightMap)).toMatchObject({ format: 'safetensors', config: { numLayers: 2 } })
  })

  it('are refused when the index is wrong', async () => {
    await expect(open({ ...weightMap, 'lm_head.weight': 'model-00002-of-00002.safetensors' })).rejects.toThrow(/places tensor lm_head.weight/)
    await expect(open({ ...weightMap, 'lm_head.weight': '../model-00002-of-00002.safetensors' })).rejects.toThrow(/not the name of a .safetensors file/)
    await expect(open({ ...weightMap, 'lm_head.weight': 'model-00003-of-00003.safetensors' })).rejects.toMatchObject({ code: 'model_not_found' })
    await expect(open([])).rejects.toMatchObject({ code: 'model_shard_invalid' })
  })

  it('may not share a tensor', async () => {
    const directory = await temporaryDirectory({
      ...files, 'model-00002-of-00002.safetensors': encodeSafetensors(Object.fromEntries(tensors)), 'model.safetensors.index.json': { weight_map: weightMap }
    })
    await expect(openModel(directory)).rejects.toMatchObject({ code: 'tensor_duplicate' })
  })
})
