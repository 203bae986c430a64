// Owns the lookup tables of the small float formats: every bit pattern's value, computed once.

/** Value of every IEEE half, by its bits. */
export const f16Values: Float32Array = buildTable(65_536, 5, 10, 31)

/**
 * Value of every e4m3 byte, by its bits: bias 7, no infinities, 0x7f and 0xff are NaN (OCP 8-bit floating point, E4M3).
 */
export const f8E4M3Values: Float32Array = buildTable(256, 4, 3, 16)

/** `specialExponent` holds infinities and NaN as in IEEE formats; e4m3 has only the NaN set below. */
function buildTable (size: number, exponentBits: number, mantissaBits: number, specialExponent: number): Float32Array {
  const values = new Float32Array(size)
  const bias = 2 ** (exponentBits - 1) - 1
  const mantissaSize = 2 ** mantissaBits
  for (let bits = 0; bits < size; bits++) {
    const sign = bits >> (exponentBits + mantissaBits) === 0 ? 1 : -1
    const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1)
    const mantissa = bits & (mantissaSize - 1)
    values[bits] = sign * magnitude(exponent, mantissa / mantissaSize)
  }
  if (size === 256) values[0x7f] = values[0xff] = NaN
  return values

  function magnitude (exponent: number, fraction: number): number {
    if (exponent === specialExponent) return fraction === 0 ? Infinity : NaN
    if (exponent === 0) return fraction * 2 ** (1 - bias)
    return (1 + fraction) * 2 ** (exponent - bias)
  }
}
