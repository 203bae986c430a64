// Owns engines that are no server and measure themselves: a command whose last line is JSON with decode and prefill figures.
import { spawn } from 'node:child_process'
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'
import type { Figures } from '../load/report.js'
import { lastLine } from '../servers/child-server.js'

export interface SelfMeasured {
  /** Tokens/s by workload name: `decode_8`, `prefill`. */
  readonly figures: Figures
  /** The line as it was printed. */
  readonly printed: unknown
}

/** Runs the command in a shell. Throws `command_failed`, or the signal's reason. */
export async function runSelfMeasured (
  name: string, command: string, env: Readonly<Record<string, string | undefined>>, signal: AbortSignal
): Promise<SelfMeasured> {
  const fail = (reason: string) => makeError(benchErrors, 'command_failed', { name, reason })
  const child = spawn('/bin/sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: env as NodeJS.ProcessEnv })
  const end = () => { if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL') }
  signal.addEventListener('abort', end)
  process.once('exit', end)
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString() })
  const how = await new Promise<string | undefined>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, killedBy) => resolve(code === 0 ? undefined : killedBy ?? `code ${code}`))
  })
  signal.removeEventListener('abort', end)
  process.removeListener('exit', end)
  signal.throwIfAborted()
  if (how !== undefined) throw fail(`${how}: ${lastLine(errors)}`)
  const parsed = parseFigures(output)
  if (parsed === undefined) throw fail('its last line is not {"decode": {...}, "prefill": ...}')
  return parsed
}

/** Undefined when the last line is something else. */
export function parseFigures (output: string): SelfMeasured | undefined {
  let printed: unknown
  try {
    printed = JSON.parse(lastLine(output))
  } catch {
    return undefined
  }
  if (typeof printed !== 'object' || printed === null) return undefined
  const { decode, prefill } = printed as { decode?: unknown, prefill?: unknown }
  const figures: Record<string, number> = {}
  for (const [users, value] of Object.entries(decode ?? {})) {
    if (typeof value === 'number') figures[`decode_${users}`] = value
  }
  if (typeof prefill === 'number') figures['prefill'] = prefill
  return Object.keys(figures).length === 0 ? undefined : { figures, printed }
}
