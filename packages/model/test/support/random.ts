// Owns the seeded generator of tests.

/** mulberry32: uniform in [0, 1), the same sequence for the same seed. */
export function seededRandom (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = state + 0x6D2B79F5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** A whole number in [0, below). */
export function below (random: () => number, limit: number): number {
  return Math.floor(random() * limit)
}
