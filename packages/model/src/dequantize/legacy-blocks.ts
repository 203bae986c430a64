// Owns decoding GGUF's blocks of 32: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Byte j of the nibbles holds element j (low) and
// element j + 16 (high); bit j of a block's u32 is the fifth bit of element j. Source: ggml's block layouts.
import { f16Values } from './float-tables.js'

const blockLength = 32
const halfBlock = 16

export function decodeQ80 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 34) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    for (let j = 0; j < blockLength; j++) out[o + j] = d * (bytes[p + 2 + j]! << 24 >> 24)
  }
}

export function decodeQ40 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 18) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    for (let j = 0; j < halfBlock; j++) {
      const pair = bytes[p + 2 + j]!
      out[o + j] = d * ((pair & 15) - 8)
      out[o + j + halfBlock] = d * ((pair >> 4) - 8)
    }
  }
}

export function decodeQ41 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 20) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    const m = f16Values[bytes[p + 2]! | bytes[p + 3]! << 8]!
    for (let j = 0; j < halfBlock; j++) {
      const pair = bytes[p + 4 + j]!
      out[o + j] = d * (pair & 15) + m
      out[o + j + halfBlock] = d * (pair >> 4) + m
    }
  }
}

export function decodeQ50 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 22) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    const high = bytes[p + 2]! | bytes[p + 3]! << 8 | bytes[p + 4]! << 16 | bytes[p + 5]! << 24
    for (let j = 0; j < halfBlock; j++) {
      const pair = bytes[p + 6 + j]!
      out[o + j] = d * ((pair & 15 | (high >>> j & 1) << 4) - 16)
      out[o + j + halfBlock] = d * ((pair >> 4 | (high >>> (j + halfBlock) & 1) << 4) - 16)
    }
  }
}

export function decodeQ51 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 24) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    const m = f16Values[bytes[p + 2]! | bytes[p + 3]! << 8]!
    const high = bytes[p + 4]! | bytes[p + 5]! << 8 | bytes[p + 6]! << 16 | bytes[p + 7]! << 24
    for (let j = 0; j < halfBlock; j++) {
      const pair = bytes[p + 8 + j]!
      out[o + j] = d * (pair & 15 | (high >>> j & 1) << 4) + m
      out[o + j + halfBlock] = d * (pair >> 4 | (high >>> (j + halfBlock) & 1) << 4) + m
    }
  }
}
