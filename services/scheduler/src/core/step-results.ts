// Owns what a step result does to the books: confirmed positions, new tokens, ends, failed steps. Lines of
// sequences that ended, moved or failed in the meantime are crossed off and otherwise ignored.
import { assert } from '@tandem/core'
import { finishReasonFromMessage } from '@tandem/protocol'
import type { Error__Output, SampledToken__Output, StepResult__Output } from '@tandem/protocol'
import { schedulerError } from '../errors.js'
import type { AttentionWorker, PlanInFlight, PlanLine } from './attention-worker.js'
import type { Books } from './books.js'
import type { Sequence } from './sequence.js'
import type { RequestEvent } from './types.js'

/** Workers that may die under a sequence, the later ones with nothing else on them, before it has to end. */
const DEADLY_LEVEL = 4

/** Applies the result of the oldest plan in flight; returns what is wrong with it when it is not one. */
export function applyStepResult (
  books: Books, worker: AttentionWorker, result: StepResult__Output, nowMs: number
): string | undefined {
  const plan = worker.inFlight[0]
  if (!plan) return `step ${result.stepId} was not asked for`
  if (plan.stepId !== result.stepId) return `step ${result.stepId} came before step ${plan.stepId}`
  worker.inFlight.shift()
  crossOff(plan)
  if (result.error) {
    failPlan(books, worker, plan, result.error, nowMs)
    return undefined
  }
  for (const line of plan.lines.values()) confirm(books, worker, line)
  const events = collectPromptLogprobs(books, plan, result)
  for (const token of result.sampled) acceptToken(books, plan, token, events)
  for (const [sequence, event] of events) books.emit(sequence.gatewayId, event)
  requeueUnanswered(books, plan, nowMs)
  return undefined
}

/** The worker is gone: its plans will never be answered and its sequences start again elsewhere. */
export function loseAllPlans (books: Books, worker: AttentionWorker): void {
  const [plan] = worker.inFlight
  if (plan) suspectOfDeath(books, plan)
  for (const each of worker.inFlight) crossOff(each)
  worker.inFlight.length = 0
  while (worker.running.length > 0) books.readmit(worker.running.at(-1)!)
  worker.pendingRemovals.length = 0
}

/** The worker died while it ran this plan. Coincidence, until it happens to the same sequence again and again. */
function suspectOfDeath (books: Books, plan: PlanInFlight): void {
  for (const line of plan.lines.values()) {
    if (!isCurrent(line)) continue
    line.sequence.suspicion++
    if (plan.lines.size === 1 && line.sequence.suspicion >= DEADLY_LEVEL) {
      books.finish(line.sequence, 'error', schedulerError('request_deadly', { numWorkers: DEADLY_LEVEL }))
    }
  }
}

function crossOff (plan: PlanInFlight): void {
  for (const { sequence, samples, generation } of plan.lines.values()) {
    sequence.numInFlightLines--
    assert(sequence.numInFlightLines >= 0, `request ${sequence.requestId} has fewer lines in flight than results`)
    if (samples) sequence.numInFlightSamples--
    assert(generation <= sequence.generation, `request ${sequence.requestId} went back in time`)
  }
}

const isCurrent = ({ sequence, generation }: PlanLine): boolean =>
  sequence.generation === generation && sequence.status !== 'finished'

/** The positions are in the KV cache now: the blocks they fill may be shared. */
function confirm (books: Books, worker: AttentionWorker, line: PlanLine): void {
  const { sequence } = line
  if (!isCurrent(line)) return
  sequence.stall = undefined
  sequence.suspicion = 0
  if (sequence.seqId !== line.seqId) return
  sequence.numConfirmedTokens = line.end
  const numFullBlocks = Math.floor(line.end / worker.blocks.blockSize)
  if (numFullBlocks === sequence.numPublishedBlocks) return
  const hashes = sequence.blockHashes(books.blockRoot, worker.blocks.blockSize, numFullBlocks)
  for (let index = sequence.numPublishedBlocks; index < numFullBlocks; index++) {
    worker.blocks.publish(sequence.blockTable[index]!, hashes[index]!)
  }
  sequence.numPublishedBlocks = numFullBlocks
}

function collectPromptLogprobs (books: Books, plan: PlanInFlight, result: StepResult__Output): Map<Sequence, RequestEvent> {
  const events = new Map<Sequence, RequestEvent>()
  for (const { seqId, tokens } of result.promptLogprobs) {
    const line = plan.lines.get(seqId)
    if (!line || !isCurrent(line)) continue
    const { sequence } = line
    // A recomputed prompt is scored again; the gateway gets each position once.
    const promptLogprobs = tokens.filter(({ position }) => position > sequence.lastPromptLogprobPosition)
    if (promptLogprobs.length === 0) continue
    sequence.lastPromptLogprobPosition = promptLogprobs.at(-1)!.position
    events.set(sequence, { ...books.openEvent(sequence), promptLogprobs })
  }
  return events
}

function acceptToken (books: Books, plan: PlanInFlight, token: SampledToken__Output, events: Map<Sequence, RequestEvent>): void {
  const line = plan.lines.get(token.seqId)
  if (!line || !line.samples || !isCurrent(line)) return
  const { sequence } = line
  if (token.position !== sequence.tokenIds.length) return
  line.answered = true
  sequence.tokenIds.push(token.tokenId)
  books.counters.numOutputTokens++
  const event = events.get(sequence) ?? books.openEvent(sequence)
  events.delete(sequence)
  event.tokens = [token.logprobs ? { tokenId: token.tokenId, logprobs: token.logprobs } : { tokenId: token.tokenId }]
  const reason = finishReasonFromMessage(token.finishReason) ??
    (sequence.numOutputTokens >= sequence.maxTokens ? 'length' : undefined)
  if (reason) books.finish(sequence, reason, undefined, event)
  else books.emit(sequence.gatewayId, event)
}

/** A line that should have sampled brought no token: worker and books disagree, so the sequence starts afresh. */
function requeueUnanswered (books: Books, plan: PlanInFlight, nowMs: number): void {
  for (const line of plan.lines.values()) {
    if (!line.samples || line.answered || !isCurrent(line)) continue
    restart(books, line, 'a step returned no token for it', nowMs)
  }
}

/**
 * The step did not run: nothing it carried can be relied on, neither its lines nor its removals. An error that
 * trying again would not cure is somebody's fault: each sequence of the plan is tried alone, and the guilty one ends.
 */
function failPlan (books: Books, worker: AttentionWorker, plan: PlanInFlight, { message, retryable }: Error__Output, nowMs: number): void {
  books.counters.numFailedSteps++
  worker.retryAtMs = nowMs + books.options.stepRetryMs
  for (const seqId of plan.removedSeqIds) worker.pendingRemovals.push(seqId)
  for (const line of plan.lines.values()) {
    if (!isCurrent(line)) continue
    if (retryable) restart(books, line, message, nowMs)
    else if (plan.lines.size === 1) books.finish(line.sequence, 'error', schedulerError('request_refused', { reason: message }))
    else {
      line.sequence.suspicion += 2
      restart(books, line, message, nowMs)
    }
  }
  books.note('warn', 'step failed', { workerId: worker.workerId, stepId: plan.stepId, numSequences: plan.lines.size, reason: message })
}

function restart (books: Books, { sequence }: PlanLine, reason: string, nowMs: number): void {
  sequence.stall = { code: 'step_failed', sinceMs: sequence.stall?.code === 'step_failed' ? sequence.stall.sinceMs : nowMs, reason }
  books.hasStalls = true
  if (sequence.status === 'running') books.readmit(sequence)
  else sequence.generation++
}
