// Owns the bench's seeded generator, so that two runs send the same prompts at the same times.

/** Uniform in [0, 1): mulberry32. */
export function seededRandom (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6D2B79F5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Time to the next arrival of a Poisson process of `rate` per second, in ms. */
export function nextArrivalMs (random: () => number, rate: number): number {
  return -Math.log(1 - random()) / rate * 1000
}
