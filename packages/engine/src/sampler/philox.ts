// Owns the counter-based random generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", SC11). Output is a pure function of key and counter, so a resumed sequence draws the same numbers.

/** Multipliers of the two halves and the increments of the key words per round (the paper's table). */
const MULTIPLIER_0 = 0xD2511F53
const MULTIPLIER_1 = 0xCD9E8D57
const KEY_STEP_0 = 0x9E3779B9
const KEY_STEP_1 = 0xBB67AE85
const NUM_ROUNDS = 10

const TWO_POW_32 = 2 ** 32

export type PhiloxBlock = readonly [number, number, number, number]

/** High 32 bits of the 64-bit product of two unsigned 32-bit integers. */
function highProduct (a: number, b: number): number {
  const aLow = a & 0xFFFF
  const aHigh = a >>> 16
  const bLow = b & 0xFFFF
  const bHigh = b >>> 16
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536)
  const carry = (middle % 65536) + aLow * bHigh
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0
}

/** Ten rounds over a counter of four and a key of two unsigned 32-bit words. */
export function philox4x32 (counter: PhiloxBlock, key: readonly [number, number]): PhiloxBlock {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < NUM_ROUNDS; round++) {
    const high0 = highProduct(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0
    const high1 = highProduct(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0
    k0 = (k0 + KEY_STEP_0) >>> 0
    k1 = (k1 + KEY_STEP_1) >>> 0
  }
  return [c0, c1, c2, c3]
}

/**
 * The uniform number in [0, 1) that decides the token at `position` under `seed`: counter = (position as 64 bits, low word
 * first, 0, 0), key = (seed as 64 bits two's complement, low word first), u = (floor(x0 / 2^5) * 2^26 + floor(x1 / 2^6)) / 2^53.
 */
export function uniformAt (seed: number, position: number): number {
  const [x0, x1] = philox4x32(
    [position >>> 0, Math.floor(position / TWO_POW_32) >>> 0, 0, 0],
    [seed >>> 0, Math.floor(seed / TWO_POW_32) >>> 0]
  )
  return ((x0 >>> 5) * 2 ** 26 + (x1 >>> 6)) / 2 ** 53
}
