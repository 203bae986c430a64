import { describe, expect, test } from 'vitest'
import type { KernelAddon, KvLayout } from '../../src/native/kernels.js'
import { kvDtypes } from '../../src/types.js'
import type { KvDtype } from '../../src/types.js'
import { availablePaths, eightBitPaths, kernelsOn, kernelsOrNull, largest, seededFloats, seededRandom } from './support/kernel-cases.js'

interface Shape {
  readonly name: string
  readonly mla: boolean
  readonly numHeads: number
  readonly numKvHeads: number
  readonly keyDim: number
  readonly valueDim: number
}
const shapes: readonly Shape[] = [
  { name: 'GQA 9/3', mla: false, numHeads: 9, numKvHeads: 3, keyDim: 64, valueDim: 64 },
  { name: 'MHA', mla: false, numHeads: 2, numKvHeads: 2, keyDim: 32, valueDim: 48 },
  { name: 'MFA', mla: false, numHeads: 20, numKvHeads: 1, keyDim: 128, valueDim: 128 },
  { name: 'MLA', mla: true, numHeads: 18, numKvHeads: 1, keyDim: 80, valueDim: 64 }
]
const blockSize = 16

const layoutOf = (shape: Shape, dtype: KvDtype): KvLayout =>
  ({ dtype: kvDtypes.indexOf(dtype), mla: shape.mla, blockSize, numKvHeads: shape.numKvHeads, keyDim: shape.keyDim, valueDim: shape.valueDim })

/** A cache of one sequence with its blocks scattered over the pool, and keys and values as they read back. */
class Cache {
  readonly blockTable: Int32Array
  readonly pool: Uint8Array
  readonly keys: Float32Array[] = []
  readonly values: Float32Array[] = []

  constructor (readonly kernels: KernelAddon, readonly shape: Shape, readonly layout: KvLayout, numTokens: number, seed: number) {
    const numBlocks = Math.ceil(numTokens / blockSize)
    // What was never written is NaN in every dtype: reading it would show.
    this.pool = new Uint8Array(2 * numBlocks * kernels.kvBlockBytes(layout)).fill(0xff)
    this.blockTable = Int32Array.from({ length: numBlocks }, (_, i) => 2 * (numBlocks - 1 - i) + i % 2)
    for (let position = 0; position < numTokens; position++) {
      const key = seededFloats(seed + 2 * position, shape.numKvHeads * shape.keyDim)
      const value = seededFloats(seed + 2 * position + 1, shape.numKvHeads * shape.valueDim)
      const slot = this.blockTable[Math.floor(position / blockSize)]! * blockSize + position % blockSize
      kernels.kvWrite(layout, this.pool, slot, key, value)
      kernels.kvRead(layout, this.pool, slot, key, value)
      this.keys.push(key)
      this.values.push(value)
    }
  }

  /** Attention of one query vector at `position` in double. */
  expected (query: Float32Array, kvHead: number, position: number, scale: number): Float64Array {
    const { keyDim, valueDim } = this.shape
    const scores = Array.from({ length: position + 1 }, (_, j) =>
      scale * query.reduce((sum, q, d) => sum + q * this.keys[j]![kvHead * keyDim + d]!, 0))
    const max = Math.max(...scores)
    const weights = scores.map(score => Math.exp(score - max))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return Float64Array.from({ length: valueDim }, (_, d) =>
      weights.reduce((sum, weight, j) => sum + weight * this.values[j]![kvHead * valueDim + d]!, 0) / total)
  }

  run (queries: Float32Array, startPosition: number, numThreads = 1): Float32Array {
    const { numHeads, keyDim, valueDim } = this.shape
    const numRows = queries.length / (numHeads * keyDim)
    const output = new Float32Array(numRows * numHeads * valueDim)
    this.kernels.attention({
      layout: this.layout, pool: this.pool, numHeads, scale: 0.25, numThreads, queries, output,
      sequences: [{ firstRow: 0, numRows, startPosition, blockTable: this.blockTable }]
    })
    return output
  }
}

describe.each(availablePaths)('attention on $isa', ({ isa, index }) => {
  describe.each(shapes)('$name', shape => {
    // int8 multiplies keys with queries, and values with weighted probabilities, of 16 bits; tiles take queries and probabilities in bf16.
    const toleranceOf = (dtype: KvDtype): number => {
      if (shape.mla) return 2e-6
      if (dtype === 'bf16' && isa === 'amx_bf16') return 2e-3
      return dtype === 'int8' ? 5e-5 : 2e-6
    }
    test.each(kvDtypes.map(dtype => [dtype, toleranceOf(dtype)] as const))('%s cache: within %f of exact attention over what the cache holds', (dtype, tolerance) => {
      const cache = new Cache(kernelsOn(index), shape, layoutOf(shape, dtype), 150, 51)
      const queries = seededFloats(52, 4 * shape.numHeads * shape.keyDim)
      const output = cache.run(queries, 146)
      for (let vector = 0; vector < 4 * shape.numHeads; vector++) {
        const kvHead = Math.floor((vector % shape.numHeads) / (shape.numHeads / shape.numKvHeads))
        const query = queries.subarray(vector * shape.keyDim, (vector + 1) * shape.keyDim)
        const expected = cache.expected(query, kvHead, 146 + Math.floor(vector / shape.numHeads), 0.25)
        expect(largest(expected, d => Math.abs(output[vector * shape.valueDim + d]! - expected[d]!))).toBeLessThan(tolerance)
      }
    })

    test.each(['f16', 'bf16', 'int8'] as const)('%s cache: a row has the same bits in prefill, in chunks, alone, and on several threads, across KV partitions', dtype => {
      const numTokens = 1040
      const cache = new Cache(kernelsOn(index), shape, layoutOf(shape, dtype), numTokens, 53)
      const start = 1000
      const rowLength = shape.numHeads * shape.keyDim
      const queries = seededFloats(54, (numTokens - start) * rowLength)
      const whole = cache.run(queries, start, 2)
      const outLength = shape.numHeads * shape.valueDim
      for (const [first, end] of [[0, 1], [11, 12], [0, 17], [23, 24], [24, 25], [39, 40], [20, 27]] as const) {
        const part = cache.run(queries.slice(first * rowLength, end * rowLength), start + first)
        expect(part).toEqual(whole.slice(first * outLength, end * outLength))
      }
    })
  })

  test.each(['bf16', 'int8'] as const)('%s cache: several sequences of mixed length at once, each as if alone', dtype => {
    const shape = shapes[0]!
    const kernels = kernelsOn(index)
    const layout = layoutOf(shape, dtype)
    const caches = [1, 17, 600, 128].map((numTokens, i) => new Cache(kernels, shape, layout, numTokens, 100 * i))
    // One pool: the sequences' blocks follow each other.
    const blockBytes = kernels.kvBlockBytes(layout)
    const pool = new Uint8Array(caches.reduce((sum, cache) => sum + cache.pool.length, 0))
    let offset = 0
    const rowLength = shape.numHeads * shape.keyDim
    const queries = seededFloats(55, caches.length * rowLength)
    const sequences = caches.map((cache, i) => {
      pool.set(cache.pool, offset)
      const blockTable = cache.blockTable.map(block => block + offset / blockBytes)
      offset += cache.pool.length
      return { firstRow: i, numRows: 1, startPosition: cache.keys.length - 1, blockTable }
    })
    const outLength = shape.numHeads * shape.valueDim
    const output = new Float32Array(caches.length * outLength)
    kernels.attention({ layout, pool, numHeads: shape.numHeads, scale: 0.25, numThreads: 2, sequences, queries, output })
    caches.forEach((cache, i) => {
      const alone = cache.run(queries.slice(i * rowLength, (i + 1) * rowLength), cache.keys.length - 1)
      expect(output.slice(i * outLength, (i + 1) * outLength)).toEqual(alone)
    })
  })

  test.each(['f32', 'int8'] as const)('%s cache: extreme scores stay finite', dtype => {
    const shape = shapes[1]!
    const cache = new Cache(kernelsOn(index), shape, layoutOf(shape, dtype), 140, 57)
    for (const value of cache.run(seededFloats(58, shape.numHeads * shape.keyDim, 1e6), 139)) expect(Number.isFinite(value)).toBe(true)
  })
})

describe.skipIf(availablePaths.length < 2)('instruction sets', () => {
  test.each(shapes.flatMap(shape => (['f16', 'bf16', 'int8'] as const).map(dtype => ({ ...shape, dtype }))))('$name attention over $dtype has the same bits on every path', shape => {
    const queries = seededFloats(60, 3 * shape.numHeads * shape.keyDim)
    const layout = layoutOf(shape, shape.dtype)
    const paths = shape.dtype === 'bf16' ? eightBitPaths : availablePaths
    const [first, ...others] = paths.map(({ index }) => new Cache(kernelsOn(index), shape, layout, 530, 61).run(queries, 527))
    for (const other of others) expect(other).toEqual(first)
  })
})

describe.skipIf(kernelsOrNull === null)('KV cache', () => {
  test('fp8 rounds half to even and saturates', () => {
    const layout = { dtype: kvDtypes.indexOf('fp8'), mla: true, blockSize, numKvHeads: 1, keyDim: 16, valueDim: 16 }
    const pool = new Uint8Array(kernelsOrNull!.kvBlockBytes(layout))
    const key = Float32Array.of(1, 1.0625, 1.1875, 448, 1e9, -500, 2 ** -9, 2 ** -10, 3 * 2 ** -10, 0.015625, 0.0146484375, -0, 17, 19, 240, 0.3)
    kernelsOrNull!.kvWrite(layout, pool, 3, key, key)
    const back = new Float32Array(16)
    kernelsOrNull!.kvRead(layout, pool, 3, back, new Float32Array(16))
    expect(Array.from(back)).toEqual([1, 1, 1.25, 448, 448, -448, 2 ** -9, 0, 2 ** -8, 0.015625, 0.015625, -0, 16, 20, 240, 0.3125])
  })

  test.each(['f16', 'bf16', 'fp8'] as const)('%s keeps values within half a step', dtype => {
    const layout = { dtype: kvDtypes.indexOf(dtype), mla: false, blockSize: 32, numKvHeads: 2, keyDim: 32, valueDim: 16 }
    const pool = new Uint8Array(kernelsOrNull!.kvBlockBytes(layout) * 2)
    const step = { f16: 2 ** -11, bf16: 2 ** -8, fp8: 2 ** -4 }[dtype]
    const random = seededRandom(59)
    for (const slot of [0, 15, 16, 31, 45]) {
      const key = Float32Array.from({ length: 64 }, () => 1 + random() * 100)
      const value = Float32Array.from({ length: 32 }, () => -1 - random() * 100)
      const [keyBack, valueBack] = [new Float32Array(64), new Float32Array(32)]
      kernelsOrNull!.kvWrite(layout, pool, slot, key, value)
      kernelsOrNull!.kvRead(layout, pool, slot, keyBack, valueBack)
      key.forEach((x, i) => expect(Math.abs(keyBack[i]! / x - 1)).toBeLessThanOrEqual(step))
      value.forEach((x, i) => expect(Math.abs(valueBack[i]! / x - 1)).toBeLessThanOrEqual(step))
    }
  })

  /** Each run of `width` elements times the Hadamard matrix: entry (i, j) is -1 to the number of bits that i and j share. */
  const rotated = (x: Float32Array, width: number): Float64Array => Float64Array.from(x, (_, at) => {
    const first = at - at % width
    let sum = 0
    for (let j = 0; j < width; j++) {
      const shared = ((at - first) & j).toString(2).split('1').length - 1
      sum += shared % 2 === 0 ? x[first + j]! : -x[first + j]!
    }
    return sum
  })

  /** The largest error in half steps of the element's group of 32, over vectors of `dim` elements. */
  const errorInHalfSteps = (written: ArrayLike<number>, back: ArrayLike<number>, dim: number): number => largest(written, i => {
    const first = i - i % dim + Math.floor(i % dim / 32) * 32
    const group = Array.from(written).slice(first, Math.min(first + 32, i - i % dim + dim))
    return Math.abs(back[i]! - written[i]!) / (Math.max(...group.map(Math.abs)) / 254)
  })

  test.each([
    { name: 'heads', mla: false, keyDim: 80, valueDim: 48, width: 16 },
    { name: 'wide heads', mla: false, keyDim: 64, valueDim: 64, width: 64 },
    { name: 'a latent', mla: true, keyDim: 80, valueDim: 64, width: 1 }
  ])('int8 keeps $name within half a step of their group, keys as they are rotated, whatever their size', ({ mla, keyDim, valueDim, width }) => {
    const numKvHeads = mla ? 1 : 2
    const layout = { dtype: kvDtypes.indexOf('int8'), mla, blockSize: 32, numKvHeads, keyDim, valueDim }
    const pool = new Uint8Array(kernelsOrNull!.kvBlockBytes(layout) * 2)
    const random = seededRandom(62)
    for (const [slot, size] of [[0, 1], [15, 1e-20], [16, 1e30], [31, 1e-6], [45, 100]] as const) {
      const key = Float32Array.from({ length: numKvHeads * keyDim }, () => size * random())
      const value = mla ? key : Float32Array.from({ length: numKvHeads * valueDim }, () => size * random())
      const [keyBack, valueBack] = [new Float32Array(key.length), new Float32Array(numKvHeads * valueDim)]
      kernelsOrNull!.kvWrite(layout, pool, slot, key, value)
      kernelsOrNull!.kvRead(layout, pool, slot, keyBack, valueBack)
      // A scale in bf16 may be coarser by 2^-8.
      expect(errorInHalfSteps(rotated(key, width), rotated(keyBack, width), keyDim)).toBeLessThan(1.01)
      if (mla) expect(valueBack).toEqual(keyBack.subarray(0, valueDim))
      else expect(errorInHalfSteps(value, valueBack, valueDim)).toBeLessThan(1.01)
    }
  })

  test('one large channel of a key leaves int8 precision to the others', () => {
    const layout = { dtype: kvDtypes.indexOf('int8'), mla: false, blockSize: 16, numKvHeads: 1, keyDim: 64, valueDim: 64 }
    const pool = new Uint8Array(kernelsOrNull!.kvBlockBytes(layout))
    const key = seededFloats(63, 64)
    key[5] = 50
    const [keyBack, valueBack] = [new Float32Array(64), new Float32Array(64)]
    kernelsOrNull!.kvWrite(layout, pool, 0, key, key)
    kernelsOrNull!.kvRead(layout, pool, 0, keyBack, valueBack)
    const rms = (back: Float32Array): number => Math.sqrt(back.reduce((sum, x, i) => sum + (i === 5 ? 0 : (x - key[i]!) ** 2), 0) / 63)
    expect(rms(keyBack)).toBeLessThan(0.03)
    // Values are not rotated: half of them share the large one's scale.
    expect(rms(valueBack)).toBeGreaterThan(0.05)
  })

  test('an int8 block costs a scale for every 32 elements', () => {
    const layout = { dtype: kvDtypes.indexOf('int8'), mla: false, blockSize: 16, numKvHeads: 3, keyDim: 64, valueDim: 80 }
    expect(kernelsOrNull!.kvBlockBytes(layout)).toBe(16 * 3 * (64 + 2 * 2 + 80 + 3 * 2))
    expect(kernelsOrNull!.kvBlockBytes({ ...layout, mla: true, numKvHeads: 1, keyDim: 576, valueDim: 512 })).toBe(16 * (576 + 18 * 2))
  })

  test('int8 takes what is no number; neighbours keep what they have', () => {
    const layout = { dtype: kvDtypes.indexOf('int8'), mla: false, blockSize: 16, numKvHeads: 1, keyDim: 32, valueDim: 32 }
    const readBack = (odd: readonly number[]): Float32Array => {
      const pool = new Uint8Array(kernelsOrNull!.kvBlockBytes(layout))
      const plain = seededFloats(64, 32)
      kernelsOrNull!.kvWrite(layout, pool, 0, plain, plain)
      const key = Float32Array.from({ length: 32 }, (_, i) => odd[i % odd.length]!)
      kernelsOrNull!.kvWrite(layout, pool, 1, key, key)
      const back = new Float32Array(64)
      kernelsOrNull!.kvRead(layout, pool, 0, back.subarray(0, 32), back.subarray(32))
      return back
    }
    expect(readBack([NaN, Infinity, -Infinity, 1])).toEqual(readBack([1]))
  })

  test('refuses layouts it cannot hold', () => {
    const layout = { dtype: 0, mla: false, blockSize: 8, numKvHeads: 1, keyDim: 16, valueDim: 16 }
    expect(() => kernelsOrNull!.kvBlockBytes(layout)).toThrow('multiple of 16')
    expect(() => kernelsOrNull!.kvBlockBytes({ ...layout, blockSize: 16, keyDim: 20 })).toThrow('head dimension')
    expect(() => kernelsOrNull!.kvBlockBytes({ ...layout, dtype: kvDtypes.indexOf('int8'), blockSize: 16, keyDim: 1040 })).toThrow('larger than an int8 cache takes')
  })
})
