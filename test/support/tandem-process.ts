// Owns starting the real `tandem` command for end-to-end tests and ending it without leaving anything behind.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../packages/cli/bin/tandem.mjs', import.meta.url))

export interface Finished { readonly exitCode: number | null, readonly output: string }

export class TandemProcess {
  #output = ''
  readonly exited: Promise<Finished>

  constructor (private readonly child: ChildProcess) {
    child.stdout?.on('data', chunk => { this.#output += String(chunk) })
    child.stderr?.on('data', chunk => { this.#output += String(chunk) })
    this.exited = new Promise(resolve => child.once('close', exitCode => { resolve({ exitCode, output: this.#output }) }))
  }

  get output (): string { return this.#output }

  /** Resolves once `text` was printed; rejects with what was printed instead when the process ends first. */
  async printed (text: string): Promise<void> {
    const ended = this.exited.then(({ exitCode, output }) => { throw new Error(`exited with ${exitCode} before printing "${text}":\n${output}`) })
    const seen = new Promise<void>(resolve => {
      const look = (): void => { if (this.#output.includes(text)) resolve() }
      this.child.stdout?.on('data', look)
      this.child.stderr?.on('data', look)
      look()
    })
    await Promise.race([seen, ended])
  }

  signal (name: NodeJS.Signals): void { this.child.kill(name) }
}

/** Starts `tandem ARGS` with a clean TANDEM_* environment. */
export function startTandem (args: readonly string[], env: Record<string, string> = {}): TandemProcess {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TANDEM_') && !name.startsWith('VITEST')))
  return new TandemProcess(spawn(process.execPath, [command, ...args], { env: { ...inherited, NODE_ENV: 'production', ...env }, stdio: ['ignore', 'pipe', 'pipe'] }))
}

export function runTandem (args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return startTandem(args, env).exited
}

/** A port nobody listens on now. */
export async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => { server.close(resolve) })
  return port
}

/** The command line and state of process `pid`, `undefined` when there is none. */
export function whatRuns (pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch {
    return undefined
  }
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return `${pid} ${/State:.*/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[0]} ${command}`
  } catch {
    return `${pid} (not told by this system)`
  }
}
