// Owns the scalar conversions of the two small float formats: bfloat16 and e4m3 (the "fn" variant: no
// infinities, 0x7f and 0xff are NaN, largest finite value 448). Round to nearest, ties to even.

export const E4M3_MAX = 448
const E4M3_NAN = 0x7f
/** Exponent bias difference (127 - 7) moved to e4m3's three mantissa bits. */
const E4M3_REBIAS = (127 - 7) << 3
/** 2^-6, the smallest normal number; subnormals are multiples of 2^-9. */
const E4M3_MIN_NORMAL = 2 ** -6
/** Adding and subtracting it rounds a small double to a whole number, ties to even. */
const ROUNDER = 2 ** 52

const floatScratch = new Float32Array(1)
const bitScratch = new Uint32Array(floatScratch.buffer)

export function bfloat16Of (value: number): number {
  floatScratch[0] = value
  return bfloat16OfBits(bitScratch[0] as number)
}

/** `bits` are a float32's. A NaN stays one: its quiet bit is set so that truncation cannot make it infinite. */
export function bfloat16OfBits (bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** Nearest e4m3 code; values beyond 448 saturate. */
export function e4m3Of (value: number): number {
  floatScratch[0] = value
  const bits = bitScratch[0] as number
  const sign = (bits >>> 24) & 0x80
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | E4M3_NAN
  const absolute = Math.abs(floatScratch[0] as number)
  if (absolute < E4M3_MIN_NORMAL) return sign | ((absolute * 512 + ROUNDER) - ROUNDER)
  const rounded = magnitude + 0x7ffff + ((magnitude >>> 20) & 1)
  return sign | Math.min((rounded >>> 20) - E4M3_REBIAS, 0x7e)
}

/** Value of each of the 256 e4m3 codes. */
export const e4m3Values: Float32Array = Float32Array.from({ length: 256 }, (_, code) => {
  const sign = code & 0x80 ? -1 : 1
  const exponent = (code >> 3) & 15
  const mantissa = code & 7
  if (exponent === 15 && mantissa === 7) return NaN
  return exponent === 0 ? sign * mantissa * 2 ** -9 : sign * (1 + mantissa / 8) * 2 ** (exponent - 7)
})
