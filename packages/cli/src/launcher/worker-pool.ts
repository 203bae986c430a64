// Owns how many processes of one role run: scales by starting and stopping, restarts crashed ones with backoff.
// Knows no scheduler: targets are given to it.
import { EventEmitter, once } from 'node:events'
import { defaultRestartPolicy, restartDelayMs } from './restart-policy.js'
import type { RestartPolicy } from './restart-policy.js'
import { ManagedProcess } from './managed-process.js'
import type { ProcessEnd } from './last-words.js'
import type { ProcessListener, ProcessSpec } from './managed-process.js'

/** A surplus process that did not leave by itself ends in this time after SIGTERM. */
const stopMs = 5_000

export interface PoolEvents {
  onLine: ProcessListener['onLine']
  /** `restartMs` undefined: it stays down. */
  onCrash (process: ManagedProcess, end: ProcessEnd, restartMs: number | undefined): void
  /** Ended by itself with code 0, or was too many: a drained worker. */
  onLeave (process: ManagedProcess, end: ProcessEnd): void
}

export interface PoolOptions {
  readonly specOf: (number: number) => ProcessSpec
  readonly events: PoolEvents
  readonly policy?: RestartPolicy
  readonly nowMs?: () => number
}

interface Member {
  readonly number: number
  readonly process: ManagedProcess
  readonly crashTimesMs: number[]
  timer?: NodeJS.Timeout
}

export class WorkerPool {
  private members: Member[] = []
  private target = 0
  private closed = false
  private readonly shrunk = new EventEmitter()

  constructor (private readonly options: PoolOptions) {}

  get processes (): readonly ManagedProcess[] { return this.members.map(member => member.process) }
  get size (): number { return this.members.length }

  /**
   * Starts what is missing. Of what is too many the scheduler empties those it picks, and they leave by themselves; what has not
   * left after `leaveMs` is stopped, newest first. Resolves when the surplus is gone.
   */
  async scaleTo (target: number, leaveMs: number): Promise<void> {
    this.target = target
    while (!this.closed && this.members.length < target) this.add()
    if (this.members.length <= target) return
    await once(this.shrunk, 'shrunk', { signal: AbortSignal.timeout(leaveMs) }).catch(() => {})
    if (this.closed) return
    const surplus = this.members.splice(this.target)
    await Promise.all(surplus.map(member => this.end(member, stopMs)))
  }

  async close (graceMs: number): Promise<void> {
    this.closed = true
    await Promise.all(this.members.map(member => this.end(member, graceMs)))
  }

  kill (): void {
    this.closed = true
    for (const member of this.members) {
      clearTimeout(member.timer)
      member.process.kill()
    }
  }

  private add (): void {
    const used = new Set(this.members.map(member => member.number))
    let number = 1
    while (used.has(number)) number++
    const listener: ProcessListener = {
      onLine: (process, line) => this.options.events.onLine(process, line),
      onEnd: (_process, end) => this.ended(member, end)
    }
    const member: Member = { number, process: new ManagedProcess(this.options.specOf(number), listener), crashTimesMs: [] }
    this.members.push(member)
    member.process.start()
  }

  private async end (member: Member, graceMs: number): Promise<void> {
    clearTimeout(member.timer)
    await member.process.stop(graceMs)
  }

  private ended (member: Member, end: ProcessEnd): void {
    if (end.requested || this.closed) return
    if (end.code === 0 || this.members.length > this.target) {
      this.members = this.members.filter(other => other !== member)
      if (this.members.length <= this.target) this.shrunk.emit('shrunk')
      this.options.events.onLeave(member.process, end)
      return
    }
    const nowMs = (this.options.nowMs ?? Date.now)()
    member.crashTimesMs.push(nowMs)
    const delayMs = restartDelayMs(this.options.policy ?? defaultRestartPolicy, member.crashTimesMs, nowMs)
    if (delayMs !== undefined) member.timer = setTimeout(() => member.process.start(), delayMs)
    this.options.events.onCrash(member.process, end, delayMs)
  }
}
