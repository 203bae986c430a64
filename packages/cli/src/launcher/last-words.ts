// Owns why a process ended, in one line: what it said just before. Older or harmless lines are never taken for the reason.
import { describeLogLine, logLevels } from './log-line.js'
import type { LogLine } from './log-line.js'

/** Lines that are kept at most. */
const numLinesMax = 20
/** A reason is logged, then the process closes what it has open and ends. */
const recentMs = 5_000
/** How a process that dies of its own error begins the line that says so: our services, Node, V8, the C++ runtime. */
const reasonPattern = /^tandem [\w-]+: |^(Uncaught )?\w*Error\b.*: |FATAL ERROR: |^ *what\(\): /

export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The launcher asked for it. */
  readonly requested: boolean
  /** What it wrote shortly before. */
  readonly lastLines: readonly LogLine[]
}

/** The tail of what one run of a process wrote. Times are passed in. */
export class RecentLines {
  private lines: Array<{ readonly line: LogLine, readonly timeMs: number }> = []

  push (line: LogLine, timeMs: number): void {
    this.lines.push({ line, timeMs })
    if (this.lines.length > numLinesMax) this.lines.shift()
  }

  /** Takes the lines of the last seconds before `nowMs`; nothing is left for the next run. */
  take (nowMs: number): LogLine[] {
    const recent = this.lines.filter(({ timeMs }) => nowMs - timeMs <= recentMs).map(({ line }) => line)
    this.lines = []
    return recent
  }
}

/** `code 1` or `SIGKILL` */
export function describeEnd (end: ProcessEnd): string {
  return end.signal ?? (end.code === null ? 'could not start' : `code ${end.code}`)
}

/** Why `name` ended, without its own name before it. What was logged does not explain a signal, unless it is how the process died. */
export function lastWords (name: string, { signal, lastLines }: ProcessEnd): string {
  const died = lastLines.findLast(line => line.isPlain && reasonPattern.test(line.message))
  const logged = lastLines.findLast(line => line.level >= (signal === null ? logLevels.error : logLevels.fatal))
  const line = logged ?? died ?? (signal === null ? lastLines.findLast(({ isPlain }) => isPlain) : undefined)
  if (line === undefined) return signal === null ? 'it logged no error' : 'killed by a signal'
  const service = name.replace(/-\d+$/, '')
  return describeLogLine(line).trim().replace(/^tandem /, '').replace(`${service}: `, '')
}
