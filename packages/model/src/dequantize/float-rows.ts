// Owns decoding F32, F16, BF16 and F8_E4M3. Every decoder has the form of `DecodeElements` in decode.ts.
import { f16Values, f8E4M3Values } from './float-tables.js'

export function decodeF32 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  // A byte copy needs no alignment; Tandem runs on little-endian machines only, as Node.js does.
  const target = new Uint8Array(out.buffer, out.byteOffset + outOffset * 4, numElements * 4)
  target.set(bytes.subarray(byteOffset, byteOffset + numElements * 4))
}

export function decodeF16 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  for (let i = 0, p = byteOffset; i < numElements; i++, p += 2) {
    out[outOffset + i] = f16Values[bytes[p]! | bytes[p + 1]! << 8]!
  }
}

export function decodeBf16 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  // A bf16 is the upper half of a float32.
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length)
  for (let i = 0, p = byteOffset; i < numElements; i++, p += 2) {
    bits[outOffset + i] = (bytes[p]! | bytes[p + 1]! << 8) << 16
  }
}

/** Without the block scale: decode.ts multiplies it in. */
export function decodeF8E4M3 (bytes: Uint8Array, byteOffset: number, numElements: number, out: Float32Array, outOffset: number): void {
  for (let i = 0; i < numElements; i++) out[outOffset + i] = f8E4M3Values[bytes[byteOffset + i]!]!
}
