// Owns how many workers of a role a machine should hold: beyond it they only take turns on the same cores. Pure.
import type { WorkerCounts } from '../cluster/launcher-link.js'

const workersPerCore = 4

/** What the user started is never too much. */
export function maxWorkersPerRole (numCores: number, started: WorkerCounts): number {
  return Math.max(workersPerCore * numCores, started.attention, started.ffn)
}
