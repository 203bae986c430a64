// Owns the unit of the engines' counters.

export function microseconds (ms: number): number {
  return Math.round(ms * 1000)
}
