// Owns what a report says about where it was measured: machine, instruction sets, load, commit.
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { currentCommit, describeMachine, formatBytes } from '@tandem/cli'
import type { Machine } from '@tandem/cli'

export interface Surroundings {
  readonly machine: Machine & { readonly instructionSets: readonly string[] }
  readonly commit: string | undefined
  readonly startedAt: string
  /** Processes that wanted to run during the last minute, before the bench began: above about 0.5 the figures are shared. */
  readonly loadAverage: number
}

/** Flags of /proc/cpuinfo that decide which kernel runs. */
const kernelFlags = [
  'avx2', 'fma', 'f16c', 'avx_vnni', 'avx512f', 'avx512bw', 'avx512_vnni', 'avx512_bf16', 'amx_int8', 'amx_bf16', 'asimd', 'asimddp', 'i8mm', 'bf16', 'sve'
] as const
const busyLoad = 0.5

export function describeSurroundings (): Surroundings {
  return {
    machine: { ...describeMachine(), instructionSets: instructionSets(readCpuInfo()) },
    commit: currentCommit(),
    startedAt: new Date().toISOString(),
    loadAverage: loadavg()[0] ?? 0
  }
}

export function instructionSets (cpuInfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuInfo)?.[1] ?? ''
  const flags = new Set(line.trim().split(/\s+/))
  return kernelFlags.filter(flag => flags.has(flag))
}

export function surroundingsText ({ machine, commit, loadAverage }: Surroundings): string {
  const lines = [
    `${machine.cpu}, ${machine.numCores} cores (${machine.instructionSets.join(' ') || 'instruction sets unknown'}), ` +
    `${formatBytes(machine.memoryBytes)}, Node ${machine.node}${commit === undefined ? '' : `, commit ${commit}`}`
  ]
  if (loadAverage > busyLoad) lines.push(`the machine was busy before (load ${loadAverage.toFixed(1)}): the figures are shared with others`)
  return lines.join('\n')
}

function readCpuInfo (): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return ''
  }
}
