// Owns what one step of one attention worker runs: decodes first, then prefill chunks with the rest of the
// token budget; a suspect runs alone. A worker has at most two plans: decode lines of the second are
// speculative, their sequence may turn out to have ended in the first.
import { MAX_PLANS_IN_FLIGHT } from './attention-worker.js'
import type { AttentionWorker, PlanLine } from './attention-worker.js'
import type { Books } from './books.js'
import type { Sequence } from './sequence.js'
import type { NewSequence, ScheduledSequence, StepPlan } from './types.js'
import { splitIntoUbatches } from './ubatches.js'

const NO_BLOCKS: number[] = []

class PlanBuilder {
  readonly lines = new Map<number, PlanLine>()
  readonly scheduled: ScheduledSequence[] = []
  readonly newSequences: NewSequence[] = []
  numTokens = 0

  constructor (readonly maxTokens: number) {}

  get budget (): number { return this.maxTokens - this.numTokens }

  /** Schedules the next `numTokens` positions of a sequence whose blocks cover them. */
  add (sequence: Sequence, numTokens: number): void {
    const isNew = sequence.numSentBlocks === 0
    if (isNew) {
      this.newSequences.push({
        seqId: sequence.seqId,
        tokenIds: sequence.tokenIds.slice(),
        numPromptTokens: sequence.numPromptTokens,
        maxTokens: sequence.maxTokens,
        sampling: sequence.sampling
      })
    }
    const numComputedTokens = sequence.numComputedTokens
    const end = numComputedTokens + numTokens
    const samples = end === sequence.numTokensAhead
    const { blockTable, numSentBlocks, seqId } = sequence
    this.scheduled.push({
      seqId,
      numComputedTokens,
      numScheduledTokens: numTokens,
      ubatchIdx: 0,
      newBlockIds: numSentBlocks === blockTable.length ? NO_BLOCKS : blockTable.slice(numSentBlocks)
    })
    this.lines.set(seqId, { sequence, seqId, generation: sequence.generation, end, samples, answered: false })
    sequence.numSentBlocks = blockTable.length
    sequence.numComputedTokens = end
    sequence.numInFlightLines++
    if (samples) sequence.numInFlightSamples++
    this.numTokens += numTokens
  }
}

export interface FfnInstanceChoice {
  /** FFN instances the worker can reach now; empty when it computes the FFN itself. */
  readonly instanceIdxs: readonly number[]
  /** Where the round robin stands. */
  readonly offset: number
}

/** The next plan of a worker, entered in the books; undefined when it has nothing to do or enough to do. */
export function formPlan (books: Books, worker: AttentionWorker, stepId: number, ffn: FfnInstanceChoice): StepPlan | undefined {
  if (worker.inFlight.length >= MAX_PLANS_IN_FLIGHT) return undefined
  const suspect = worker.running.find(sequence => sequence.isSuspect)
  const candidates = suspect ? [suspect] : worker.running
  const builder = new PlanBuilder(books.options.maxNumBatchedTokens)
  addDecodes(books, worker, candidates, builder)
  addPrefills(candidates, builder)
  // Removals alone are worth a step only when no other plan will carry them soon.
  if (builder.scheduled.length === 0 && (worker.pendingRemovals.length === 0 || worker.inFlight.length > 0)) return undefined
  const numUbatches = splitIntoUbatches(builder.scheduled, builder.numTokens, books.options.numUbatches)
  const removedSeqIds = worker.pendingRemovals
  worker.pendingRemovals = []
  worker.inFlight.push({ stepId, removedSeqIds, lines: builder.lines })
  books.counters.numSteps++
  return {
    stepId,
    removedSeqIds,
    newSequences: builder.newSequences,
    scheduled: builder.scheduled,
    ffnInstanceOfUbatch: chooseInstances(numUbatches, ffn)
  }
}

function addDecodes (books: Books, worker: AttentionWorker, candidates: readonly Sequence[], builder: PlanBuilder): void {
  // Preemption takes from the tail, which is behind `index`: arrivals later than the one served now.
  for (let index = 0; index < candidates.length && builder.budget > 0; index++) {
    const sequence = candidates[index]!
    if (sequence.numRemainingTokens !== 1 || sequence.isFullyScheduled) continue
    if (makeRoom(books, worker, sequence)) builder.add(sequence, 1)
  }
}

/** A block for the next position, preempting later arrivals while there is none; false when the sequence itself had to go. */
function makeRoom (books: Books, worker: AttentionWorker, sequence: Sequence): boolean {
  while (!worker.blocks.append(sequence.blockTable, sequence.numComputedTokens + 1)) {
    const victim = worker.running.at(-1)!
    books.preempt(victim)
    if (victim === sequence) return false
  }
  return true
}

/** Chunks by arrival; the blocks of all known tokens were taken at placement. */
function addPrefills (candidates: readonly Sequence[], builder: PlanBuilder): void {
  for (const sequence of candidates) {
    if (builder.budget === 0) return
    const remaining = sequence.numRemainingTokens
    if (remaining > 1) builder.add(sequence, Math.min(remaining, builder.budget))
  }
}

function chooseInstances (numUbatches: number, { instanceIdxs, offset }: FfnInstanceChoice): number[] {
  if (instanceIdxs.length === 0) return []
  return Array.from({ length: numUbatches }, (_, ubatchIdx) => instanceIdxs[(offset + ubatchIdx) % instanceIdxs.length]!)
}
