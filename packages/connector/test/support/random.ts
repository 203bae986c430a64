// A seeded generator (mulberry32), so that a failing case can be run again.

export interface Random {
  /** Uniform in [0, 1). */
  next (): number
  /** Whole number in [0, limit). */
  below (limit: number): number
}

export function seededRandom (seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6D2B79F5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: limit => Math.floor(next() * limit) }
}
