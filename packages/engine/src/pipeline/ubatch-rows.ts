// Owns the layout of a step's rows in ubatches.
import type { Ubatch, UbatchSequence } from '../backend.js'
import type { StepPlan } from '../types.js'
import type { ScheduledRows } from './sequence-table.js'

export interface UbatchWork {
  readonly ubatchIdx: number
  /** undefined: any instance, round robin. */
  readonly instanceIdx: number | undefined
  readonly ubatch: Ubatch
  /** `rows[i]` is `ubatch.sequences[i]`. */
  readonly rows: readonly ScheduledRows[]
}

/** Groups the rows by ubatch, in the order of the plan. */
export function layOutUbatches (plan: StepPlan, rows: readonly ScheduledRows[]): UbatchWork[] {
  const groups = new Map<number, ScheduledRows[]>()
  for (const row of rows) {
    const group = groups.get(row.ubatchIdx)
    if (group === undefined) groups.set(row.ubatchIdx, [row])
    else group.push(row)
  }
  return [...groups].sort(([a], [b]) => a - b).map(([ubatchIdx, group]) => ({
    ubatchIdx,
    instanceIdx: plan.ffnInstanceOfUbatch[ubatchIdx],
    ubatch: layOut(group),
    rows: group
  }))
}

function layOut (group: readonly ScheduledRows[]): Ubatch {
  const tokenIds = new Int32Array(group.reduce((sum, row) => sum + row.numTokens, 0))
  const sequences: UbatchSequence[] = []
  let firstRow = 0
  for (const { sequence, startPosition, numTokens } of group) {
    tokenIds.set(sequence.tokenIds.subarray(startPosition, startPosition + numTokens), firstRow)
    sequences.push({ firstRow, numTokens, startPosition, blockTable: sequence.blockTable })
    firstRow += numTokens
  }
  return { tokenIds, sequences }
}
