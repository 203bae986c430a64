import { describe, expect, it } from 'vitest'
import { decodeActivations, encodeActivations } from '../src/activation-codec.js'
import { seededRandom } from './support/random.js'

const hiddenSize = 200 // one full scale group and a ragged one
const numTokens = 3
const random = seededRandom(7)
const values = Float32Array.from({ length: numTokens * hiddenSize }, () => (random.next() - 0.5) * 20)

function roundTrip (dtype: 'f32' | 'bf16' | 'fp8_e4m3', input = values): Float32Array {
  const { hidden, scales } = encodeActivations(input, hiddenSize, dtype)
  return decodeActivations(hidden, scales, hiddenSize, dtype)
}

describe('activation codec', () => {
  it('keeps f32 as it is, without a copy', () => {
    expect(roundTrip('f32')).toEqual(values)
    expect(encodeActivations(values, hiddenSize, 'f32').hidden.buffer).toBe(values.buffer)
  })

  it.each([['bf16', 2 ** -7], ['fp8_e4m3', 2 ** -3]] as const)('stays within the rounding of %s', (dtype, relative) => {
    const decoded = roundTrip(dtype)
    values.forEach((value, i) => { expect(Math.abs(decoded[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * relative / 2 + 10 / 448 * 2 ** -9) })
  })

  it('scales each token and 128 channels by their own maximum', () => {
    const { scales } = encodeActivations(values, hiddenSize, 'fp8_e4m3')
    expect(scales.length).toBe(numTokens * 2)
    const group = values.subarray(hiddenSize + 128, 2 * hiddenSize)
    const amax = Math.max(...group.map(Math.abs))
    expect(scales[3]).toBe(Math.fround(amax / 448))
    expect(roundTrip('fp8_e4m3').subarray(hiddenSize + 128, 2 * hiddenSize).map(Math.abs)).toContain(Math.fround(448 * scales[3]!))
  })

  it('does not divide by zero', () => {
    const zeros = new Float32Array(hiddenSize)
    const { scales } = encodeActivations(zeros, hiddenSize, 'fp8_e4m3')
    expect(scales[0]).toBe(Math.fround(Math.fround(1e-4) / 448))
    expect(roundTrip('fp8_e4m3', zeros)).toEqual(zeros)
  })

  it.each(['f32', 'bf16', 'fp8_e4m3'] as const)('codes a row in %s without looking at its neighbours', dtype => {
    const alone = roundTrip(dtype, values.slice(hiddenSize, 2 * hiddenSize))
    expect(roundTrip(dtype).subarray(hiddenSize, 2 * hiddenSize)).toEqual(alone)
  })

  it('decodes bytes that are not aligned', () => {
    const { hidden } = encodeActivations(values, hiddenSize, 'f32')
    const shifted = new Uint8Array(hidden.length + 1)
    shifted.set(hidden, 1)
    expect(decodeActivations(shifted.subarray(1), new Float32Array(0), hiddenSize, 'f32')).toEqual(values)
  })
})
