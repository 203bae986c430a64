// Owns one child process of `tandem up`: start, log lines, end. Decides nothing about restarts.
//
// A child runs in its own process group, so that Ctrl-C reaches only the launcher, which ends the others in order; the
// IPC channel tells the child when the launcher is gone (bin/service.mjs).
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { assert } from '@tandem/core'
import { RecentLines } from './last-words.js'
import type { ProcessEnd } from './last-words.js'
import { parseLogLine } from './log-line.js'
import type { LogLine } from './log-line.js'

const wrapper = fileURLToPath(new URL('../../bin/service.mjs', import.meta.url))

export interface ProcessSpec {
  /** What logs and messages call it: `ffn-worker-2`. */
  readonly name: string
  readonly entry: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ProcessListener {
  onLine (process: ManagedProcess, line: LogLine): void
  onEnd (process: ManagedProcess, end: ProcessEnd): void
}

export class ManagedProcess {
  private readonly recentLines = new RecentLines()
  private child: ChildProcess | undefined
  private stopRequested = false
  private ended: Promise<void> = Promise.resolve()

  constructor (readonly spec: ProcessSpec, private readonly listener: ProcessListener) {}

  get pid (): number | undefined { return this.child?.pid }
  get running (): boolean { return this.child !== undefined }

  start (): void {
    assert(this.child === undefined, `${this.spec.name} runs already`)
    this.stopRequested = false
    const child = spawn(process.execPath, [wrapper, this.spec.entry, this.spec.name], {
      env: { ...this.spec.env }, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    this.child = child
    this.read(child)
    this.ended = new Promise(resolve => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.child !== child) return
        this.child = undefined
        resolve()
        this.listener.onEnd(this, { code, signal, requested: this.stopRequested, lastLines: this.recentLines.take(Date.now()) })
      }
      child.once('error', () => end(null, null))
      child.once('close', end)
    })
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Resolves when the process is gone. */
  async stop (graceMs: number): Promise<void> {
    if (this.child === undefined) return
    this.stopRequested = true
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), graceMs)
    await this.ended
    clearTimeout(timer)
  }

  kill (): void {
    if (this.child?.pid === undefined) return
    this.stopRequested = true
    try {
      process.kill(-this.child.pid, 'SIGKILL')
    } catch {
      this.child.kill('SIGKILL')
    }
  }

  private read (child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', text => {
        if (text.trim() === '') return
        const line = parseLogLine(text)
        this.recentLines.push(line, Date.now())
        this.listener.onLine(this, line)
      })
    }
  }
}
