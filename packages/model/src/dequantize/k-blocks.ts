// Owns decoding GGUF's blocks of 256: Q4_K, Q5_K, Q6_K. Source: ggml's block layouts.
import { f16Values } from './float-tables.js'

const blockLength = 256
const subBlockLength = 32

/**
 * Q4_K: f16 d, f16 dmin, 12 bytes of packed scales, 128 bytes of nibbles. Chunk c of 32 nibble bytes holds sub-block 2c in the
 * low nibbles and 2c + 1 in the high ones.
 */
export function decodeQ4K (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 144) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    const dmin = f16Values[bytes[p + 2]! | bytes[p + 3]! << 8]!
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * scaleOf(bytes, p + 4, sub)
      const min = dmin * minOf(bytes, p + 4, sub)
      const nibbles = p + 16 + (sub >> 1) * 32
      const shift = (sub & 1) * 4
      const target = o + sub * subBlockLength
      for (let l = 0; l < subBlockLength; l++) out[target + l] = scale * (bytes[nibbles + l]! >> shift & 15) - min
    }
  }
}

/** Q5_K: as Q4_K, with 32 bytes in front of the nibbles whose bit `sub` is the fifth bit. */
export function decodeQ5K (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 176) {
    const d = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
    const dmin = f16Values[bytes[p + 2]! | bytes[p + 3]! << 8]!
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * scaleOf(bytes, p + 4, sub)
      const min = dmin * minOf(bytes, p + 4, sub)
      const high = p + 16
      const nibbles = p + 48 + (sub >> 1) * 32
      const shift = (sub & 1) * 4
      const target = o + sub * subBlockLength
      for (let l = 0; l < subBlockLength; l++) {
        out[target + l] = scale * (bytes[nibbles + l]! >> shift & 15 | (bytes[high + l]! >> sub & 1) << 4) - min
      }
    }
  }
}

/**
 * Q6_K: 128 bytes of low nibbles, 64 of upper bit pairs, 16 x i8 scales, f16 d. Each half of 128 elements is four runs of 32:
 * low nibbles of bytes 0..31 and 32..63, then their high nibbles; run r's upper bits are at bit 2r. A scale covers 16 elements.
 */
export function decodeQ6K (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  let p = byteOffset
  for (let o = outOffset; o < outOffset + numElements; o += blockLength, p += 210) {
    const d = f16Values[bytes[p + 208]! | bytes[p + 209]! << 8]!
    for (let run = 0; run < 8; run++) {
      const half = run >> 2
      const part = run & 3
      const low = p + half * 64 + (part & 1) * 32
      const shift = (part >> 1) * 4
      const high = p + 128 + half * 32
      const scales = p + 192 + run * 2
      const target = o + run * subBlockLength
      const first = d * (bytes[scales]! << 24 >> 24)
      const second = d * (bytes[scales + 1]! << 24 >> 24)
      for (let l = 0; l < 16; l++) {
        out[target + l] = first * ((bytes[low + l]! >> shift & 15 | (bytes[high + l]! >> part * 2 & 3) << 4) - 32)
      }
      for (let l = 16; l < subBlockLength; l++) {
        out[target + l] = second * ((bytes[low + l]! >> shift & 15 | (bytes[high + l]! >> part * 2 & 3) << 4) - 32)
      }
    }
  }
}

/** 6-bit scale of a sub-block: bytes 0..3 hold the first four; the rest are split between bytes 8..11 and the top bits of 0..3. */
function scaleOf (bytes: Uint8Array, packed: number, sub: number): number {
  if (sub < 4) return bytes[packed + sub]! & 63
  return bytes[packed + sub + 4]! & 15 | bytes[packed + sub - 4]! >> 6 << 4
}

/** 6-bit minimum of a sub-block: bytes 4..7, then the upper half of bytes 8..11 with the top bits of 4..7. */
function minOf (bytes: Uint8Array, packed: number, sub: number): number {
  if (sub < 4) return bytes[packed + sub + 4]! & 63
  return bytes[packed + sub + 4]! >> 4 | bytes[packed + sub]! >> 6 << 4
}
