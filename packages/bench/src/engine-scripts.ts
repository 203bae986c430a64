// Owns the benches that live beside the engine: found by looking, run as they are. Each script documents its own flags in the comment
// at its head.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeError } from '@tandem/core'
import { benchErrors } from './errors.js'

export interface EngineScript {
  /** File name without its ending: `engine-decode`. */
  readonly name: string
  readonly path: string
  /** Comment at the head of the file. */
  readonly help: string
}

export const engineScriptsFolder = fileURLToPath(new URL('../../engine/bench/', import.meta.url))

export function listEngineScripts (folder: string): EngineScript[] {
  return readdirSync(folder).filter(file => file.endsWith('.mjs')).sort().map(file => {
    const path = join(folder, file)
    return { name: file.slice(0, -'.mjs'.length), path, help: headComment(readFileSync(path, 'utf8')) }
  })
}

/** By its name, or by its first word where only one script has it. Undefined for none; throws `usage` for several. */
export function findEngineScript (name: string, scripts: readonly EngineScript[]): EngineScript | undefined {
  const exact = scripts.find(script => script.name === name)
  if (exact !== undefined) return exact
  const matching = scripts.filter(script => script.name.startsWith(`${name}-`))
  if (matching.length > 1) {
    throw makeError(benchErrors, 'usage', { reason: `${name} is one of ${matching.map(script => script.name).join(', ')}: name one` })
  }
  return matching[0]
}

export function headComment (source: string): string {
  const lines = source.replace(/^#!.*\n/, '').split('\n')
  const end = lines.findIndex(line => !line.startsWith('//'))
  return lines.slice(0, end === -1 ? lines.length : end).map(line => line.replace(/^\/\/ ?/, '')).join('\n').trim()
}

/** Throws `script_failed` with how it ended. */
export async function runEngineScript (
  script: EngineScript, args: readonly string[], env: Readonly<Record<string, string | undefined>>
): Promise<void> {
  const child = spawn(process.execPath, [script.path, ...args], { stdio: 'inherit', env: env as NodeJS.ProcessEnv })
  const how = await new Promise<string | undefined>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : signal ?? `code ${code}`))
  })
  if (how !== undefined) throw makeError(benchErrors, 'script_failed', { script: script.name, how })
}
