// Owns one server process started for a bench: its process group, its last words, its end. It leads a group of its own, so that a
// shell, what the shell starts, and nothing else end together.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'

export interface ChildCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ReadinessOptions {
  /** Says whether it serves; never rejects. */
  readonly probe: () => Promise<boolean>
  readonly url: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

const outputKept = 4_000
const probeIntervalMs = 100
const killMs = 15_000

export class ChildServer {
  private readonly child: ChildProcess
  private readonly killAtExit = () => this.signalGroup('SIGKILL')
  private readonly ended: Promise<void>
  private output = ''
  private end: string | undefined

  constructor (private readonly name: string, command: ChildCommand) {
    this.child = spawn(command.file, command.args, {
      detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: command.env as NodeJS.ProcessEnv
    })
    process.once('exit', this.killAtExit)
    const keep = (chunk: Buffer) => { this.output = (this.output + chunk.toString()).slice(-outputKept) }
    this.child.stdout?.on('data', keep)
    this.child.stderr?.on('data', keep)
    this.ended = new Promise(resolve => {
      const finish = (how: string) => {
        this.end ??= how
        process.removeListener('exit', this.killAtExit)
        resolve()
      }
      this.child.once('error', error => finish(error.message))
      this.child.once('exit', (code, signal) => finish(signal ?? `code ${code}`))
    })
  }

  get pid (): number | undefined { return this.child.pid }

  /** Throws `server_ended`, `server_not_ready`, or the signal's reason; the process is left to `stop`. */
  async waitUntilReady (options: ReadinessOptions): Promise<void> {
    const deadlineMs = performance.now() + options.timeoutMs
    while (true) {
      options.signal.throwIfAborted()
      if (this.end !== undefined) {
        throw makeError(benchErrors, 'server_ended', { name: this.name, how: this.end, reason: lastLine(this.output) })
      }
      if (await options.probe()) return
      if (performance.now() > deadlineMs) {
        throw makeError(benchErrors, 'server_not_ready', { name: this.name, url: options.url, seconds: Math.round(options.timeoutMs / 1000) })
      }
      await delay(probeIntervalMs, undefined, { signal: options.signal }).catch(() => {})
    }
  }

  /** Asks the leader to end in order, then ends the whole group. */
  async stop (): Promise<void> {
    if (this.end === undefined) {
      this.child.kill('SIGTERM')
      const timer = setTimeout(() => this.signalGroup('SIGKILL'), killMs)
      await this.ended
      clearTimeout(timer)
    }
    this.signalGroup('SIGKILL')
  }

  private signalGroup (signal: NodeJS.Signals): void {
    if (this.child.pid === undefined) return
    try {
      process.kill(-this.child.pid, signal)
    } catch {
      // Nobody of the group is left.
    }
  }
}

export function lastLine (output: string): string {
  return output.trimEnd().split('\n').at(-1)?.trim() || 'it said nothing'
}
