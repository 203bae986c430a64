// Owns the order of a comparison: rounds, in each every workload, for it every server, one busy at a time and the others idle. The
// server that begins changes from round to round, so that a machine that slows down harms all alike.
import { distributionOf } from '@tandem/cli'
import type { Distribution } from '@tandem/cli'
import { spreadOf } from '../statistics.js'
import type { Spread } from '../statistics.js'
import type { Server } from '../servers/server.js'
import { runWave } from './wave.js'
import type { WaveResult } from './wave.js'
import { promptsOf } from './workload.js'
import type { Workload } from './workload.js'

export interface Measurement {
  readonly tokensPerSecond: Spread
  readonly ttftMs: Distribution
  readonly itlMs: Distribution
  readonly numRetries: number
  /** Message -> how often. */
  readonly errors: Readonly<Record<string, number>>
}

/** Measurement by workload name, then by server name. */
export type Measurements = Readonly<Record<string, Readonly<Record<string, Measurement>>>>

export interface RoundsOptions<S extends Server = Server> {
  readonly servers: readonly S[]
  readonly workloads: readonly Workload[]
  /** Each server is loaded this long before the first round that counts, by whole rounds. */
  readonly warmupS: number
  readonly numRounds: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly onProgress: (text: string) => void
  /** Runs around each measured turn of a server; its own time is not measured. */
  readonly around?: (server: S, workload: Workload, turn: () => Promise<readonly WaveResult[]>) => Promise<readonly WaveResult[]>
  /** Runs once, when half of the rounds are over. */
  readonly atHalf?: () => Promise<void>
}

export async function measureRounds<S extends Server> (options: RoundsOptions<S>): Promise<Measurements> {
  const { servers, workloads, numRounds, onProgress } = options
  const turns = new Map<string, WaveResult[][]>()
  for (const server of servers) {
    onProgress(`warming up ${server.name}`)
    await warmUp(options, server)
  }
  const numTurns = numRounds * workloads.length * servers.length
  let numDone = 0
  for (let round = 1; round <= numRounds; round++) {
    for (const workload of workloads) {
      for (const server of rotated(servers, round - 1)) {
        onProgress(`${progressBar(numDone++ / numTurns)} round ${round} of ${numRounds}: ${workload.label}, ${server.name}`)
        const turn = () => takeTurn(options, server, workload, round)
        const waves = options.around === undefined ? await turn() : await options.around(server, workload, turn)
        append(turns, keyOf(workload, server), [...waves])
      }
    }
    if (round === Math.ceil(numRounds / 2)) await options.atHalf?.()
  }
  return Object.fromEntries(workloads.map(workload => [workload.name, Object.fromEntries(servers.map(server =>
    [server.name, measurementOf(turns.get(keyOf(workload, server)) ?? [])]))]))
}

/** One round at least, unless there is to be none. */
async function warmUp<S extends Server> (options: RoundsOptions<S>, server: S): Promise<void> {
  const endMs = performance.now() + options.warmupS * 1000
  for (let round = 1; options.warmupS > 0 && (round === 1 || performance.now() < endMs); round++) {
    for (const workload of options.workloads) await takeTurn(options, server, workload, -round)
  }
}

async function takeTurn<S extends Server> (options: RoundsOptions<S>, server: S, workload: Workload, round: number): Promise<WaveResult[]> {
  const waves: WaveResult[] = []
  for (let wave = 0; wave < workload.numWaves; wave++) {
    waves.push(await runWave(server, workload, promptsOf(workload, options.seed, round, wave), options.signal))
  }
  return waves
}

/** Each element of `turns` is one round. */
export function measurementOf (turns: readonly (readonly WaveResult[])[]): Measurement {
  const waves = turns.flat()
  const errors: Record<string, number> = {}
  for (const message of waves.flatMap(wave => wave.errors)) errors[message] = (errors[message] ?? 0) + 1
  return {
    tokensPerSecond: spreadOf(turns.map(tokensPerSecond)),
    ttftMs: distributionOf(waves.flatMap(wave => wave.ttftMs)),
    itlMs: distributionOf(waves.flatMap(wave => wave.itlMs)),
    numRetries: waves.reduce((total, wave) => total + wave.numRetries, 0),
    errors
  }
}

export function tokensPerSecond (waves: readonly WaveResult[]): number {
  const numTokens = waves.reduce((total, wave) => total + wave.numTokens, 0)
  const durationMs = waves.reduce((total, wave) => total + wave.durationMs, 0)
  return durationMs > 0 ? numTokens / durationMs * 1000 : 0
}

/** `[1, 2, 3]` begins with 2 in the second round. */
export function rotated<T> (items: readonly T[], by: number): T[] {
  const start = items.length === 0 ? 0 : by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

const barWidth = 20

export function progressBar (share: number): string {
  const filled = Math.round(share * barWidth)
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`
}

function keyOf (workload: Workload, server: Server): string { return `${workload.name} ${server.name}` }

function append (turns: Map<string, WaveResult[][]>, key: string, waves: WaveResult[]): void {
  const known = turns.get(key)
  if (known === undefined) turns.set(key, [waves])
  else known.push(waves)
}
