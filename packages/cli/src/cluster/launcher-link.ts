// Owns the launcher's stream to the scheduler: says how many workers it was asked to start, obeys changes, dials again when the
// stream breaks.
import { Metadata } from '@grpc/grpc-js'
import type { SchedulerClient } from '@tandem/protocol'

export interface WorkerCounts {
  readonly attention: number
  readonly ffn: number
}

export interface LauncherLinkOptions {
  readonly scheduler: SchedulerClient
  /** Workers of a role that this machine has use for. */
  readonly maxWorkersPerRole: number
  /** What the launcher runs now; sent with every dial. */
  readonly counts: () => WorkerCounts
  readonly onCommand: (target: WorkerCounts) => void
  readonly redialMs?: number
}

export class LauncherLink {
  private stream: ReturnType<SchedulerClient['attachLauncher']> | undefined
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor (private readonly options: LauncherLinkOptions) {}

  dial (): void {
    if (this.closed) return
    const stream = this.options.scheduler.attachLauncher(new Metadata({ waitForReady: true }))
    this.stream = stream
    stream.on('data', command => this.options.onCommand({ attention: command.attention, ffn: command.ffn }))
    stream.on('error', () => this.redial(stream))
    stream.on('end', () => this.redial(stream))
    stream.write({ hello: { ...this.options.counts(), maxWorkersPerRole: this.options.maxWorkersPerRole } })
  }

  close (): void {
    this.closed = true
    clearTimeout(this.timer)
    this.stream?.cancel()
  }

  private redial (stream: unknown): void {
    if (this.closed || this.stream !== stream) return
    this.stream = undefined
    this.timer = setTimeout(() => this.dial(), this.options.redialMs ?? 500)
  }
}
