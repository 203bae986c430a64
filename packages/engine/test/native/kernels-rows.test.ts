import { describe, expect, test } from 'vitest'
import { applyRope, ropeAngles } from '../../src/reference/attention/rope.js'
import { rmsNorm } from '../../src/reference/rms-norm.js'
import { route } from '../../src/reference/router.js'
import { availablePaths, bf16Paths, eightBitPaths, kernelsOn, quantizedBlock, seededFloats } from './support/kernel-cases.js'

interface StoredBlock {
  readonly codes: readonly number[]
  readonly scale: number
  readonly scaledSum: number
  readonly starts: readonly number[]
  readonly scaledZero: number
}

/** One QuantBlock: 32 x i8, then the scale, what the kernels derive from it, and the zero times -scale. */
function readBlock (blocks: Uint8Array, blockIdx: number): StoredBlock {
  const view = new DataView(blocks.buffer, blocks.byteOffset + blockIdx * 64, 64)
  return {
    codes: Array.from({ length: 32 }, (_, i) => view.getInt8(i)),
    scale: view.getFloat32(32, true),
    scaledSum: view.getFloat32(36, true),
    starts: Array.from({ length: 5 }, (_, i) => view.getInt32(40 + 4 * i, true)),
    scaledZero: view.getFloat32(60, true)
  }
}

/** The same block by the formula; a tail is padded with values of 0. */
function expectedBlock (x: Float32Array): StoredBlock {
  const block = quantizedBlock(x)
  const { scale, zero } = block
  const codes = Array.from({ length: 32 }, (_, i) => block.codes[i] ?? zero)
  const sum = (from: number, to: number): number => codes.slice(from, to).reduce((total, code) => total + code, 0)
  const starts = [-8 * sum(0, 32), -16 * sum(0, 32), -128 * sum(0, 32), -32 * sum(0, 16), -32 * sum(16, 32)].map(start => start + 0)
  return { codes, scale, scaledSum: Math.fround(scale * (sum(0, 32) - 32 * zero)), starts, scaledZero: Math.fround(-(scale * zero)) }
}

/** Rows that reach the ends of the range: mixed, one sign only, a single value, nothing. */
function quantizedCases (numColumns: number): Float32Array[] {
  const random = seededFloats(31, numColumns, 5)
  const single = new Float32Array(numColumns)
  single[numColumns - 1] = -3
  return [random, random.map(Math.abs), random.map(value => -Math.abs(value)), random.map(value => value + 4.9), single, new Float32Array(numColumns)]
}

const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-3)

const columns = [7, 32, 40, 200, 576]

describe.each(eightBitPaths)('8-bit rows on $isa', ({ index }) => {
  test.each(columns)('quantizeRows over %i columns rounds half to even and sums', numColumns => {
    for (const x of quantizedCases(numColumns)) {
      const blocks = kernelsOn(index).quantizeRows(x, 1, numColumns)
      for (let b = 0; b < blocks.length / 64; b++) expect(readBlock(blocks, b)).toEqual(expectedBlock(x.subarray(32 * b, 32 * b + 32)))
    }
  })

  test('quantizeRows keeps 0 exact, no error above half a step, and huge values finite', () => {
    const x = seededFloats(38, 32, 3e38)
    x[3] = 0
    const { codes, scale, scaledZero } = readBlock(kernelsOn(index).quantizeRows(x, 1, 32), 0)
    const zero = Math.round(-scaledZero / scale)
    expect(codes[3]).toBe(zero)
    expect(Number.isFinite(scale)).toBe(true)
    codes.forEach((code, i) => expect(Math.abs(scale * (code - zero) - x[i]!)).toBeLessThan(scale * 0.501))
  })
})

describe.each(bf16Paths)('bf16 rows on $isa', ({ index }) => {
  /** Of every four inputs the middle two change places; all are scaled by 2^104 (csrc/kernels/bf16_rows.h). */
  const blocksOf = (x: Float32Array, numColumns: number): Uint16Array => {
    const padded = new Float32Array(Math.ceil(numColumns / 32) * 32)
    padded.set(x)
    return kernelsOn(index).toBf16(padded.map((_, i) => padded[[0, 2, 1, 3][i % 4]! + i - i % 4]! * 2 ** 104))
  }

  test.each(columns)('quantizeRows over %i columns', numColumns => {
    const x = seededFloats(31, numColumns, 5)
    const blocks = kernelsOn(index).quantizeRows(x, 1, numColumns)
    expect(new Uint16Array(blocks.slice().buffer)).toEqual(blocksOf(x, numColumns))
  })

  test('values too large to be scaled are cut, and NaN stays NaN', () => {
    const kernels = kernelsOn(index)
    const blocks = new Uint16Array(kernels.quantizeRows(Float32Array.of(3e38, -3e38, Infinity, NaN), 1, 4).slice().buffer)
    const [large, infinite, negative, nan] = kernels.fromBf16(blocks)
    expect([large, infinite, negative]).toEqual([2 ** 127, 2 ** 127, -(2 ** 127)])
    expect(nan).toBeNaN()
  })
})

describe.each(availablePaths)('row kernels on $isa', ({ index }) => {
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

describe.skipIf(eightBitPaths.length < 2)('instruction sets', () => {
  test('norm, SwiGLU and quantisation have the same bits on every path', () => {
    const x = seededFloats(40, 3 * 200, 9)
    const weight = seededFloats(41, 200)
    const [first, ...others] = eightBitPaths.map(({ index }) => {
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
