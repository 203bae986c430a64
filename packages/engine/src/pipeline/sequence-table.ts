// Owns the sequences of an attention engine and how a plan changes them: all of it or nothing. Computes nothing.
import { assert, makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { engineErrors } from '../errors.js'
import type { ScheduledSequence, StepPlan } from '../types.js'
import { Sequence } from './sequence.js'

/** One sequence's share of a step. */
export interface ScheduledRows {
  readonly sequence: Sequence
  readonly ubatchIdx: number
  readonly startPosition: number
  readonly numTokens: number
  /** The rows reach the last known token, so the next one is sampled. */
  readonly isSampled: boolean
}

export interface TableLimits {
  /** Tokens per KV block. */
  readonly blockSize: number
  readonly numBlocks: number
  readonly maxModelLen: number
  readonly vocabSize: number
}

/** A plan that was applied: `commit` keeps it once the step succeeded, `rollBack` undoes it. */
export interface AppliedPlan {
  readonly rows: readonly ScheduledRows[]
  commit (): void
  rollBack (): void
}

export class SequenceTable {
  readonly #sequences = new Map<number, Sequence>()

  constructor (private readonly limits: TableLimits) {}

  get size (): number { return this.#sequences.size }

  /** Throws `plan_invalid` and changes nothing when the plan contradicts what this table knows. */
  apply (plan: StepPlan): AppliedPlan {
    const undo: Array<() => void> = []
    const rollBack = (): void => { for (const step of undo.splice(0).reverse()) step() }
    try {
      for (const seqId of plan.removedSeqIds) this.#replace(seqId, undefined, undo)
      for (const created of plan.newSequences) {
        this.#checkTokens(plan, created.tokenIds)
        this.#replace(created.seqId, new Sequence(created), undo)
      }
      const rows = this.#schedule(plan, undo)
      return { rows, rollBack, commit: () => { for (const row of rows) row.sequence.numComputedTokens = row.startPosition + row.numTokens } }
    } catch (error) {
      rollBack()
      throw error
    }
  }

  #replace (seqId: number, sequence: Sequence | undefined, undo: Array<() => void>): void {
    const before = this.#sequences.get(seqId)
    if (sequence === undefined) this.#sequences.delete(seqId)
    else this.#sequences.set(seqId, sequence)
    undo.push(() => {
      if (before === undefined) this.#sequences.delete(seqId)
      else this.#sequences.set(seqId, before)
    })
  }

  #schedule (plan: StepPlan, undo: Array<() => void>): ScheduledRows[] {
    const rows: ScheduledRows[] = []
    const seen = new Set<number>()
    for (const scheduled of plan.scheduled) {
      const sequence = this.#sequences.get(scheduled.seqId)
      if (sequence === undefined) throw invalid(plan, `sequence ${scheduled.seqId} is unknown`)
      if (seen.has(scheduled.seqId)) throw invalid(plan, `sequence ${scheduled.seqId} is scheduled twice`)
      seen.add(scheduled.seqId)
      if (sequence.isFinished) continue
      const numBlocks = sequence.numBlocks
      undo.push(() => { sequence.truncateBlocks(numBlocks) })
      this.#checkBlocks(plan, scheduled)
      sequence.appendBlocks(scheduled.newBlockIds)
      rows.push(this.#rowsOf(plan, scheduled, sequence))
    }
    return rows
  }

  #rowsOf (plan: StepPlan, scheduled: ScheduledSequence, sequence: Sequence): ScheduledRows {
    const { numComputedTokens: start, numScheduledTokens: count, ubatchIdx } = scheduled
    const end = start + count
    const name = `sequence ${sequence.seqId}`
    const computed = sequence.numComputedTokens
    if (count < 1) throw invalid(plan, `${name} is scheduled for ${count} tokens`)
    if (end > sequence.numTokens) throw invalid(plan, `${name} has ${sequence.numTokens} tokens, position ${end - 1} is scheduled`)
    if (end > this.limits.maxModelLen) throw invalid(plan, `${name} would grow beyond ${this.limits.maxModelLen} tokens`)
    if (computed !== null && start > computed) throw invalid(plan, `${name} is computed up to ${computed}, not ${start}`)
    if (end > sequence.numBlocks * this.limits.blockSize) throw invalid(plan, `${name} has no KV block for position ${end - 1}`)
    return { sequence, ubatchIdx, startPosition: start, numTokens: count, isSampled: end === sequence.numTokens }
  }

  #checkBlocks (plan: StepPlan, scheduled: ScheduledSequence): void {
    for (const blockId of scheduled.newBlockIds) {
      if (blockId < 0 || blockId >= this.limits.numBlocks) throw invalid(plan, `KV block ${blockId} does not exist`)
    }
  }

  #checkTokens (plan: StepPlan, tokenIds: readonly number[]): void {
    for (const tokenId of tokenIds) {
      if (tokenId < 0 || tokenId >= this.limits.vocabSize) throw invalid(plan, `token ${tokenId} is outside the vocabulary`)
    }
  }
}

/** Appends a sampled token and says whether the sequence ends with it. */
export function appendSampledToken (sequence: Sequence, tokenId: number, maxModelLen: number): 'stop' | 'length' | undefined {
  assert(!sequence.isFinished, `sequence ${sequence.seqId} already ended`)
  sequence.appendSampled(tokenId)
  const numOutputTokens = sequence.numTokens - sequence.numPromptTokens
  const reason = sequence.sampling.stopTokenIds.includes(tokenId)
    ? 'stop'
    : numOutputTokens >= sequence.maxTokens || sequence.numTokens >= maxModelLen ? 'length' : undefined
  sequence.isFinished = reason !== undefined
  return reason
}

function invalid (plan: StepPlan, reason: string): TandemError {
  return makeError(engineErrors, 'plan_invalid', { stepId: plan.stepId, reason })
}
