import { describe, expect, test } from 'vitest'
import { applyRope, ropeAngles } from '../../src/reference/attention/rope.js'
import { rmsNorm } from '../../src/reference/rms-norm.js'
import { route } from '../../src/reference/router.js'
import { availablePaths, kernelsOn, roundToInt8, seededFloats } from './support/kernel-cases.js'

/** Values of QuantBlocks: 64 bytes each, 32 x i8 then the scale. */
function blockValues (blocks: Uint8Array, numRows: number, numColumns: number): Float64Array {
  const view = new DataView(blocks.buffer, blocks.byteOffset)
  const perRow = Math.ceil(numColumns / 32)
  const values = new Float64Array(numRows * numColumns)
  for (let r = 0; r < numRows; r++) {
    for (let i = 0; i < numColumns; i++) {
      const at = (r * perRow + Math.floor(i / 32)) * 64
      values[r * numColumns + i] = view.getInt8(at + i % 32) * view.getFloat32(at + 32, true)
    }
  }
  return values
}

const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-3)

describe.each(availablePaths)('row kernels on $isa', ({ index }) => {
  const columns = [7, 32, 40, 200, 576]

  test.each(columns)('quantizeRows over %i columns rounds half to even and sums', numColumns => {
    const x = seededFloats(31, 3 * numColumns, 5)
    const blocks = kernelsOn(index).quantizeRows(x, 3, numColumns)
    const values = blockValues(blocks, 3, numColumns)
    for (let r = 0; r < 3; r++) {
      const expected = roundToInt8(x.slice(r * numColumns, (r + 1) * numColumns))
      expect(values.slice(r * numColumns, (r + 1) * numColumns)).toEqual(expected)
    }
    const view = new DataView(blocks.buffer, blocks.byteOffset)
    for (let at = 0; at < blocks.length; at += 64) {
      const q = Array.from({ length: 32 }, (_, i) => view.getInt8(at + i))
      const sum = (from: number, to: number): number => q.slice(from, to).reduce((total, value) => total + value, 0)
      expect(view.getFloat32(at + 36, true)).toBe(Math.fround(view.getFloat32(at + 32, true) * sum(0, 32)))
      expect([0, 1, 2, 3, 4].map(i => view.getInt32(at + 40 + 4 * i, true) + 0))
        .toEqual([-8 * sum(0, 32), -16 * sum(0, 32), -128 * sum(0, 32), -32 * sum(0, 16), -32 * sum(16, 32)].map(value => value + 0))
    }
  })

  test.each(columns)('rmsNorm over %i columns is within 1e-6 of the reference, quantised too', numColumns => {
    const kernels = kernelsOn(index)
    const x = seededFloats(32, 4 * numColumns, 3)
    const weight = seededFloats(33, numColumns)
    const expected = rmsNorm(x, weight, 1e-5)
    const y = new Float32Array(x.length)
    kernels.rmsNorm(x, weight, 1e-5, 4, y)
    y.forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(1e-6))
    const same = new Float32Array(x.length)
    const blocks = kernels.rmsNormQuantize(x, weight, 1e-5, 4, same)
    expect(same).toEqual(y)
    expect(blocks).toEqual(kernels.quantizeRows(y, 4, numColumns))
  })

  test.each(columns)('swiglu over %i columns is within 1e-6 of the formula, quantised too', numColumns => {
    const kernels = kernelsOn(index)
    const gate = seededFloats(34, 2 * numColumns, 20)
    const up = seededFloats(35, 2 * numColumns)
    gate[0] = -200
    gate[1] = 200
    const y = new Float32Array(gate.length)
    kernels.swiglu(gate, up, 2, numColumns, y)
    y.forEach((value, i) => expect(relative(value, gate[i]! / (1 + Math.exp(-gate[i]!)) * up[i]!)).toBeLessThan(1e-6))
    expect(kernels.swigluQuantize(gate, up, 2, numColumns)).toEqual(kernels.quantizeRows(y, 2, numColumns))
  })

  test('bf16 rounds half to even and keeps NaN', () => {
    const kernels = kernelsOn(index)
    const x = Float32Array.of(1, 1.00390625, 1.01171875, -3e38, 3.4e38, NaN, Infinity, -0, ...seededFloats(36, 29))
    const bits = kernels.toBf16(x)
    expect(Array.from(bits.slice(0, 3))).toEqual([0x3f80, 0x3f80, 0x3f82])
    const back = kernels.fromBf16(bits)
    expect(back[5]).toBeNaN()
    expect(back[6]).toBe(Infinity)
    expect(Object.is(back[7], -0)).toBe(true)
    for (let i = 8; i < x.length; i++) expect(relative(back[i]!, x[i]!)).toBeLessThanOrEqual(2 ** -8)
  })

  test.each([true, false])('rope (interleaved: %s) is within 1e-6 of the reference', interleaved => {
    const rope = { dim: 32, interleaved, invFreq: Float32Array.from({ length: 16 }, (_, i) => 10000 ** (-i / 16)), attentionFactor: 1.25 }
    const x = seededFloats(37, 3 * 48)
    const expected = x.slice()
    for (let head = 0; head < 3; head++) applyRope(expected, head * 48, rope, ropeAngles(rope, 1234))
    kernelsOn(index).rope(x, 3, 48, rope, 1234)
    x.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6))
  })
})

describe.skipIf(availablePaths.length < 2)('instruction sets', () => {
  test('norm, SwiGLU and quantisation have the same bits on every path', () => {
    const x = seededFloats(40, 3 * 200, 9)
    const weight = seededFloats(41, 200)
    const [first, ...others] = availablePaths.map(({ index }) => {
      const kernels = kernelsOn(index)
      const y = new Float32Array(x.length)
      const blocks = kernels.rmsNormQuantize(x, weight, 1e-5, 3, y)
      const gated = new Float32Array(x.length)
      kernels.swiglu(x, y, 3, 200, gated)
      return { blocks, y, gated }
    })
    for (const other of others) expect(other).toEqual(first)
  })
})

describe.each(availablePaths.slice(0, 1))('router', ({ index }) => {
  const base = { topK: 3, numGroups: 1, topKGroups: 1, normTopk: false, scalingFactor: 1 }
  const configs = [
    { ...base, scoring: 'softmax' as const, groupScore: 'max' as const, hasBias: false },
    { ...base, scoring: 'softmax' as const, groupScore: 'max' as const, hasBias: false, numGroups: 4, topKGroups: 2, scalingFactor: 16 },
    { ...base, scoring: 'sigmoid' as const, groupScore: 'top2_sum' as const, hasBias: true, numGroups: 8, topKGroups: 4, normTopk: true, scalingFactor: 2.5 }
  ]
  test.each(configs)('chooses as the reference: $scoring, $numGroups groups', config => {
    const logits = seededFloats(38, 50 * 32, 4)
    logits.fill(1, 0, 32)
    const bias = config.hasBias ? seededFloats(39, 32, 0.1) : undefined
    const expected = route(logits, 50, config, bias)
    const actual = kernelsOn(index).route(logits, 50, {
      numExperts: 32, ...base, ...config, sigmoid: config.scoring === 'sigmoid', groupTop2Sum: config.groupScore === 'top2_sum', ...(bias ? { bias } : {})
    })
    expect(actual.topkIds).toEqual(expected.topkIds)
    actual.topkWeights.forEach((value, i) => expect(relative(value, expected.topkWeights[i]!)).toBeLessThan(1e-6))
  })
})
