// Owns who counts as alive and who is on the way out: silence, reports of broken channels, draining of both roles.
import type { TandemError } from '@tandem/core'
import { schedulerError } from '../errors.js'
import type { AttentionWorker } from './attention-worker.js'
import type { Books } from './books.js'
import type { FfnPool, FfnWorker } from './ffn-pool.js'

/** A suspect that misses this many is dead. */
const MAX_MISSED_HEARTBEATS = 2

export function findWorker (books: Books, ffn: FfnPool, workerId: string): AttentionWorker | FfnWorker | undefined {
  return books.attention.get(workerId) ?? ffn.workers.get(workerId)
}

/** Workers that are dead by their silence, or because a peer lost them and they stayed silent since. */
export function checkHeartbeats (books: Books, ffn: FfnPool, nowMs: number): Array<{ workerId: string, error: TandemError }> {
  const dead: Array<{ workerId: string, error: TandemError }> = []
  const declare = (workerId: string, lastSeenMs: number): void => {
    dead.push({ workerId, error: schedulerError('worker_silent', { workerId, silentMs: Math.round(nowMs - lastSeenMs) }) })
  }
  const { heartbeatIntervalMs, heartbeatTimeoutMs } = books.options
  for (const { workerId, lastSeenMs } of books.attention.values()) {
    if (nowMs - lastSeenMs >= heartbeatTimeoutMs) declare(workerId, lastSeenMs)
  }
  for (const worker of ffn.workers.values()) {
    const { workerId, lastSeenMs, suspectedAtMs = Infinity } = worker
    if (lastSeenMs > suspectedAtMs) {
      // It lives and only a channel broke: under a new epoch attention workers dial it again.
      worker.suspectedAtMs = undefined
      ffn.rebuild(nowMs)
    } else if (nowMs - lastSeenMs >= heartbeatTimeoutMs || nowMs - suspectedAtMs >= MAX_MISSED_HEARTBEATS * heartbeatIntervalMs) {
      declare(workerId, lastSeenMs)
    }
  }
  return dead
}

/** When the next worker is dead if it stays silent, a suspect is cleared, a rest after a failed step or a drain is over. */
export function nextMembershipMs (books: Books, ffn: FfnPool): number {
  const { heartbeatIntervalMs, heartbeatTimeoutMs } = books.options
  let nextMs = Infinity
  for (const worker of books.attention.values()) {
    nextMs = Math.min(nextMs, worker.lastSeenMs + heartbeatTimeoutMs)
    if (worker.retryAtMs > -Infinity) nextMs = Math.min(nextMs, worker.retryAtMs)
    if (worker.isDraining && worker.running.length > 0 && canTakeOver(books)) nextMs = Math.min(nextMs, worker.drainDeadlineMs)
  }
  for (const { lastSeenMs, suspectedAtMs = Infinity } of ffn.workers.values()) {
    if (lastSeenMs > suspectedAtMs) return -Infinity
    nextMs = Math.min(nextMs, lastSeenMs + heartbeatTimeoutMs, suspectedAtMs + MAX_MISSED_HEARTBEATS * heartbeatIntervalMs)
  }
  return nextMs
}

export interface PeerReport {
  /** Who reports. */
  readonly workerId: string
  /** The ffn worker it cannot reach any more. */
  readonly peerId: string
  readonly reason: string
}

/** The peer is suspected until it is heard from. */
export function peerDown (books: Books, ffn: FfnPool, { workerId, peerId, reason }: PeerReport, nowMs: number): void {
  const peer = ffn.workers.get(peerId)
  if (!peer || peer.suspectedAtMs !== undefined) return
  books.note('warn', 'channel to ffn worker broke', { workerId, peerId, reason })
  peer.suspectedAtMs = nowMs
}

/** Throws `worker_unknown`, and `last_worker` when an operator would end the service with it. */
export function drainWorker (
  books: Books, ffn: FfnPool, { workerId, requestedBy }: { workerId: string, requestedBy: 'worker' | 'operator' }, nowMs: number
): void {
  const worker = findWorker(books, ffn, workerId)
  if (!worker) throw schedulerError('worker_unknown', { workerId })
  if (worker.isDraining) return
  const { role } = worker.registration
  if (requestedBy === 'operator') {
    const peers: Iterable<AttentionWorker | FfnWorker> = role === 'ffn' ? ffn.workers.values() : books.attention.values()
    if (![...peers].some(peer => peer !== worker && !peer.isDraining)) throw schedulerError('last_worker', { workerId, role })
  }
  books.note('info', 'worker drains', { workerId, role, requestedBy })
  if ('blocks' in worker) {
    worker.isDraining = true
    worker.drainDeadlineMs = nowMs + books.options.drainTimeoutMs
  } else ffn.drain(worker, nowMs)
}

/** Sequences that a draining worker did not finish in time go on elsewhere, if there is an elsewhere. */
export function moveLateSequences (books: Books, nowMs: number): void {
  if (!canTakeOver(books)) return
  for (const worker of books.attention.values()) {
    if (!worker.isDraining || nowMs < worker.drainDeadlineMs) continue
    while (worker.running.length > 0) books.preempt(worker.running.at(-1)!)
  }
}

/** Some attention worker may be given the sequences of another. */
function canTakeOver (books: Books): boolean {
  return [...books.attention.values()].some(worker => !worker.isDraining && worker.hasTopology)
}

export function releaseDrainedAttention (books: Books): void {
  for (const worker of books.attention.values()) {
    if (!worker.isDraining || worker.drainedSent || worker.running.length > 0 || worker.inFlight.length > 0) continue
    worker.drainedSent = true
    books.actions.push({ type: 'drained', workerId: worker.workerId })
  }
}
