import { intermediateSlice, NUM_VIRTUAL_SHARDS, subtreeRoots, leavesUnder } from '@tandem/core'
import { dtypeBlockLength, type TensorDtype } from '@tandem/model'
import { describe, expect, test } from 'vitest'
import { availablePaths, dequantized, exactProduct, kernelsOn, kernelsOrNull, largest, packRows, randomRows, roundToInt8, seededFloats } from './support/kernel-cases.js'

const numOutputs = 40
const numRows = 33

function unitOf (dtype: TensorDtype): number {
  return dtypeBlockLength(dtype) > 1 ? dtypeBlockLength(dtype) : dtype === 'F8_E4M3' ? 128 : 4
}

/** Partial sums of leaves [first, end) as a worker that holds just them computes them, by heap id of their root. */
function partialsOf (index: number, dtype: TensorDtype, intermediate: number, first: number, end: number): Map<number, Float32Array> {
  const kernels = kernelsOn(index)
  const unit = unitOf(dtype)
  const rows = randomRows(dtype, numOutputs, intermediate, 21)
  const x = seededFloats(22, numRows * intermediate)
  const { inputBegin, inputEnd } = kernels.treePlan(intermediate, unit, first, end)
  const width = inputEnd - inputBegin
  const own = new Float32Array(numRows * width)
  for (let r = 0; r < numRows; r++) own.set(x.subarray(r * intermediate + inputBegin, r * intermediate + inputEnd), r * width)
  const matrix = packRows(kernels, rows, { rowBegin: 0, rowEnd: numOutputs, columnBegin: inputBegin, columnEnd: inputEnd })
  const roots = subtreeRoots({ start: first, end })
  const outputs = kernels.matmulTree(matrix, own, numRows, intermediate, unit, first, end)
  return new Map(outputs.map((values, i) => [roots[i]!, values]))
}

/** Adds partials up to node 1. */
function finishTree (partials: ReadonlyMap<number, Float32Array>, node = 1): Float32Array {
  const own = partials.get(node)
  if (own !== undefined) return own
  const left = finishTree(partials, 2 * node)
  const right = finishTree(partials, 2 * node + 1)
  return left.map((value, i) => Math.fround(value + right[i]!))
}

const cuts = [[0, 8], [0, 4, 8], [0, 2, 5, 8], [0, 1, 3, 6, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8]]
const cases: Array<[TensorDtype, number]> = [['Q4_1', 1536], ['Q8_0', 160], ['Q4_K', 2048], ['Q6_K', 512], ['F32', 100], ['BF16', 64], ['BF16', 512], ['F8_E4M3', 384]]

describe.skipIf(kernelsOrNull === null)('tree plan', () => {
  test.each(cases)('%s of %i inputs has the leaves and roots of the virtual shards', (dtype, intermediate) => {
    const unit = unitOf(dtype)
    for (let first = 0; first < NUM_VIRTUAL_SHARDS; first++) {
      for (let end = first + 1; end <= NUM_VIRTUAL_SHARDS; end++) {
        const plan = kernelsOrNull!.treePlan(intermediate, unit, first, end)
        for (let leaf = first; leaf < end; leaf++) {
          const slice = intermediateSlice(intermediate, unit, leaf)
          expect(plan.inputBegin + plan.leafBegin[leaf - first]!).toBe(slice.start)
          expect(plan.inputBegin + plan.leafBegin[leaf - first + 1]!).toBe(slice.end)
        }
        const ranges = subtreeRoots({ start: first, end }).map(leavesUnder)
        expect(plan.rootLeaf).toEqual([0, ...ranges.map(range => range.end - first)])
      }
    }
  })
})

describe.each(availablePaths)('tree products on $isa', ({ isa, index }) => {
  test.each(cases)('%s of %i inputs has the same bits for every cut into workers', (dtype, intermediate) => {
    const whole = partialsOf(index, dtype, intermediate, 0, 8).get(1)!
    for (const cut of cuts) {
      const partials = new Map<number, Float32Array>()
      for (let i = 0; i + 1 < cut.length; i++) {
        const unit = unitOf(dtype)
        const plan = kernelsOn(index).treePlan(intermediate, unit, cut[i]!, cut[i + 1]!)
        // A worker without inputs sends zero vectors; the engine makes them.
        if (plan.inputBegin === plan.inputEnd) {
          for (const root of subtreeRoots({ start: cut[i]!, end: cut[i + 1]! })) partials.set(root, new Float32Array(numRows * numOutputs))
          continue
        }
        for (const [root, values] of partialsOf(index, dtype, intermediate, cut[i]!, cut[i + 1]!)) partials.set(root, values)
      }
      expect(finishTree(partials)).toEqual(whole)
    }
  })

  test('the sum is the product', () => {
    const x = seededFloats(22, numRows * 1536)
    const [rounded, tolerance] = isa === 'amx_bf16' ? [x, 2 ** -7] : [roundToInt8(x), 2e-6]
    const exact = exactProduct(rounded, dequantized(randomRows('Q4_1', numOutputs, 1536, 21)), numRows, numOutputs, 1536)
    const sum = partialsOf(index, 'Q4_1', 1536, 0, 8).get(1)!
    expect(largest(sum, i => Math.abs(sum[i]! - exact.y[i]!) / (tolerance * exact.magnitude[i]!))).toBeLessThanOrEqual(1)
  })

  test('leaves summed one by one and added along the tree equal the fused product', () => {
    const kernels = kernelsOn(index)
    const matrix = packRows(kernels, randomRows('Q4_1', numOutputs, 1536, 21))
    const x = seededFloats(22, numRows * 1536)
    const leaves = kernels.matmulLeaves(matrix, x, numRows, 1536, 32, 0, 8, new Float32Array(numRows).fill(1))
    expect(kernels.addTree(leaves)).toEqual(partialsOf(index, 'Q4_1', 1536, 0, 8).get(1)!)
  })
})
