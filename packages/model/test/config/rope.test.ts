import { describe, expect, it } from 'vitest'
import { readHfRope } from '../../src/config/hf-rope.js'
import { KeyReader, recordLookup } from '../../src/config/key-reader.js'
import { buildRope, yarnMscale } from '../../src/config/rope.js'
import { readGolden } from '../support/golden.js'

interface RopeCase {
  readonly name: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly dim: number
  readonly invFreq: readonly number[]
  readonly attentionFactor: number
}

const cases = readGolden<RopeCase[]>('rope.json')
const maxModelLen = 131_072

function read (config: Readonly<Record<string, unknown>>): ReturnType<typeof readHfRope> {
  return readHfRope(new KeyReader('config.json', recordLookup(config)), maxModelLen, 10_000)
}

/** The same settings as transformers 4 writes them. */
function asTransformers4 (parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { rope_theta: theta, rope_type: type, ...scaling } = parameters
  return { rope_theta: theta, rope_scaling: type === 'default' ? null : { type, ...scaling } }
}

function relativeError (actual: Float32Array, expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs((actual[i] ?? NaN) - value) / Math.abs(value)))
}

describe('inverse frequencies', () => {
  it.each(cases)('of $name agree with transformers', ({ parameters, dim, invFreq, attentionFactor }) => {
    const { theta, scaling } = read({ rope_parameters: parameters })
    const rope = buildRope({ dim, theta, interleaved: false, scaling })
    expect(rope.invFreq.length).toBe(invFreq.length)
    // transformers computes powers in float32.
    expect(relativeError(rope.invFreq, invFreq)).toBeLessThan(2e-6)
    expect(rope.attentionFactor).toBeCloseTo(attentionFactor, 6)
  })

  it.each(cases)('of $name are the same from a transformers 4 config', ({ parameters }) => {
    expect(read(asTransformers4(parameters))).toEqual(read({ rope_parameters: parameters }))
  })

  it('are divided by a GGUF file\'s factors', () => {
    const plain = buildRope({ dim: 8, theta: 1e4, interleaved: true, scaling: { type: 'default' } })
    const factored = buildRope({ dim: 8, theta: 1e4, interleaved: true, scaling: { type: 'default' }, freqFactors: Float32Array.of(1, 2, 4, 8) })
    expect([...factored.invFreq].map((value, i) => (plain.invFreq[i] ?? 0) / value)).toEqual([1, 2, 4, 8])
  })
})

describe('the softmax correction', () => {
  it('is m squared of mscale_all_dim (DeepSeek-V3: factor 40, m = 1.36889)', () => {
    const { softmaxCorrection } = read({ rope_parameters: { rope_type: 'yarn', factor: 40, mscale: 1, mscale_all_dim: 1, original_max_position_embeddings: 4096 } })
    expect(Math.sqrt(softmaxCorrection)).toBeCloseTo(1.36889, 5)
    expect(192 ** -0.5 * softmaxCorrection).toBeCloseTo(0.135234, 6)
  })

  it('is 1 without mscale_all_dim, and m is 1 when nothing is stretched', () => {
    expect(read({ rope_parameters: { rope_type: 'yarn', factor: 4 } }).softmaxCorrection).toBe(1)
    expect(yarnMscale(1, 5)).toBe(1)
  })
})

describe('refusals', () => {
  it.each(['dynamic', 'longrope', 'su', 'proportional'])('names rope type %s', type => {
    expect(() => read({ rope_scaling: { type, factor: 2 } })).toThrow(
      expect.objectContaining({ code: 'rope_type_unsupported', facts: expect.objectContaining({ key: 'rope_scaling.type', actual: type }) }))
  })

  it.each([
    [{ rope_scaling: { rope_type: 'linear' } }, 'rope_scaling.factor'],
    [{ rope_scaling: { rope_type: 'linear', factor: 0 } }, 'rope_scaling.factor'],
    [{ rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } }, 'rope_scaling.high_freq_factor'],
    [{ rope_scaling: 'yarn' }, 'rope_scaling'],
    [{ rope_theta: 'big' }, 'rope_theta'],
    [{ rope_theta: 0 }, 'rope_theta'],
    [{ rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 1.5 } }, 'rope_scaling.original_max_position_embeddings']
  ])('names the key of %j', (config, key) => {
    expect(() => read(config)).toThrow(expect.objectContaining({ code: 'config_key_invalid', facts: expect.objectContaining({ key }) }))
  })

  it('of settings by layer type', () => {
    expect(() => read({ rope_parameters: { full_attention: { rope_type: 'default' } } })).toThrow(/rope_parameters.full_attention/)
  })

  it('of partial rotation', () => {
    expect(() => read({ partial_rotary_factor: 0.5 })).toThrow(/partial_rotary_factor = 0.5 is not supported/)
    expect(() => read({ rope_parameters: { partial_rotary_factor: 0.25 } })).toThrow(/rope_parameters.partial_rotary_factor/)
  })
})
