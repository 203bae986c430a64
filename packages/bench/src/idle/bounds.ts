// Owns the limits an idle cluster is held to. Pure.

/** Of one core, all processes together. */
export const idleCpuShareMax = 0.01

const overhead = 1.15
const fixedBytes = 100e6

/** What a worker may hold: its weights and its KV pool, a little around them, and what a process needs anyway. */
export function residentBytesMax (weightBytes: number, kvBytes: number): number {
  return overhead * (weightBytes + kvBytes) + fixedBytes
}

export function verdict (value: number, max: number): string { return value <= max ? 'within' : 'OVER' }
