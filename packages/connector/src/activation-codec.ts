// Owns float32 activations <-> the dtype they travel in. Rows are coded on their own, so a row's bytes do not
// depend on the batch. fp8: one float32 scale per token and 128 channels, s = max(amax, 1e-4) / 448 and
// q = e4m3(x / s), both in float32 (the DeepSeek-V3 activation quantisation).
import type { ActivationDtype } from '@tandem/core'
import { bfloat16OfBits, E4M3_MAX, e4m3Of, e4m3Values } from './fp8.js'
import { bytesOf, float32View, uint16View } from './frame-codec.js'
import { SCALE_GROUP } from './frame-header.js'
import type { FrameDtype } from './frame-layout.js'

/** Keeps a group of zeros from dividing by zero. */
const AMAX_FLOOR = 1e-4

export interface EncodedActivations {
  readonly hidden: Uint8Array
  /** fp8 only: [numTokens, ceil(hiddenSize / 128)]. */
  readonly scales: Float32Array
}

const noScales = new Float32Array(0)

/** Encodes [numTokens, hiddenSize]. f32 is a view of `values`, which must not change until the frame was answered. */
export function encodeActivations (values: Float32Array, hiddenSize: number, dtype: ActivationDtype): EncodedActivations {
  if (dtype === 'f32') return { hidden: bytesOf(values), scales: noScales }
  if (dtype === 'bf16') return { hidden: bytesOf(toBfloat16(values)), scales: noScales }
  return toE4m3(values, hiddenSize)
}

/** Decodes into float32; f32 is a view where alignment allows it. */
export function decodeActivations (bytes: Uint8Array, scales: Float32Array, hiddenSize: number, dtype: FrameDtype): Float32Array {
  if (dtype === 'f32') return float32View(bytes)
  if (dtype === 'bf16') return fromBfloat16(uint16View(bytes))
  return fromE4m3(bytes, scales, hiddenSize)
}

function toBfloat16 (values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const codes = new Uint16Array(values.length)
  for (let i = 0; i < codes.length; i++) codes[i] = bfloat16OfBits(bits[i] as number)
  return codes
}

function fromBfloat16 (codes: Uint16Array): Float32Array {
  const values = new Float32Array(codes.length)
  const bits = new Uint32Array(values.buffer)
  for (let i = 0; i < codes.length; i++) bits[i] = (codes[i] as number) << 16
  return values
}

function toE4m3 (values: Float32Array, hiddenSize: number): EncodedActivations {
  const numTokens = values.length / hiddenSize
  const groups = Math.ceil(hiddenSize / SCALE_GROUP)
  const hidden = new Uint8Array(values.length)
  const scales = new Float32Array(numTokens * groups)
  for (let token = 0; token < numTokens; token++) {
    for (let group = 0; group < groups; group++) {
      const start = token * hiddenSize + group * SCALE_GROUP
      const end = Math.min(start + SCALE_GROUP, (token + 1) * hiddenSize)
      let amax = AMAX_FLOOR
      for (let i = start; i < end; i++) amax = Math.max(amax, Math.abs(values[i] as number))
      const scale = Math.fround(Math.fround(amax) / E4M3_MAX)
      scales[token * groups + group] = scale
      for (let i = start; i < end; i++) hidden[i] = e4m3Of((values[i] as number) / scale)
    }
  }
  return { hidden, scales }
}

function fromE4m3 (codes: Uint8Array, scales: Float32Array, hiddenSize: number): Float32Array {
  const numTokens = codes.length / hiddenSize
  const groups = Math.ceil(hiddenSize / SCALE_GROUP)
  const values = new Float32Array(codes.length)
  for (let token = 0; token < numTokens; token++) {
    for (let group = 0; group < groups; group++) {
      const start = token * hiddenSize + group * SCALE_GROUP
      const end = Math.min(start + SCALE_GROUP, (token + 1) * hiddenSize)
      const scale = scales[token * groups + group] as number
      for (let i = start; i < end; i++) values[i] = (e4m3Values[codes[i] as number] as number) * scale
    }
  }
  return values
}
