// Owns the figures made of several rounds. Pure.

/** Middle value, or the mean of the two middle ones; 0 for none. */
export function median (values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: readonly number[]
}

export function spreadOf (rounds: readonly number[]): Spread {
  return {
    median: median(rounds),
    min: rounds.length === 0 ? 0 : Math.min(...rounds),
    max: rounds.length === 0 ? 0 : Math.max(...rounds),
    rounds
  }
}

/** Undefined where there is nothing to divide by. */
export function ratio (value: number, base: number): number | undefined {
  return base > 0 ? value / base : undefined
}
