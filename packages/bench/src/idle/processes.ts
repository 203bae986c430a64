// Owns what /proc says about a tree of processes: CPU time and resident memory. Linux only.
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessSample {
  readonly pid: number
  readonly parentPid: number
  readonly cpuSeconds: number
}

/** Clock ticks of /proc/PID/stat; Linux has shown 100 per second to user space on every architecture since 2.6. */
const ticksPerSecond = 100
/** Fields of /proc/PID/stat after the command's closing bracket: state, ppid ... utime and stime are fields 14 and 15 of the line. */
const parentField = 1
const userTimeField = 11
const systemTimeField = 12

/** Undefined for a line of another shape. The command may hold blanks and brackets. */
export function parseStat (line: string): ProcessSample | undefined {
  const pid = Number.parseInt(line, 10)
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const parentPid = Number(fields[parentField])
  const ticks = Number(fields[userTimeField]) + Number(fields[systemTimeField])
  if (![pid, parentPid, ticks].every(Number.isFinite)) return undefined
  return { pid, parentPid, cpuSeconds: ticks / ticksPerSecond }
}

/** `VmRSS` in bytes; undefined where there is none. */
export function parseResidentBytes (status: string): number | undefined {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return match === null ? undefined : Number(match[1]) * 1024
}

/** The process and all that descend from it. */
export function descendants (rootPid: number, processes: readonly ProcessSample[]): ProcessSample[] {
  const children = processes.filter(({ parentPid }) => parentPid === rootPid)
  return [...processes.filter(({ pid }) => pid === rootPid), ...children.flatMap(({ pid }) => descendants(pid, processes))]
}

export function readProcesses (): ProcessSample[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(pid => {
    const line = readProcessFile(pid, 'stat')
    return line === undefined ? [] : parseStat(line) ?? []
  })
}

export function residentBytes (pid: number): number | undefined {
  const status = readProcessFile(String(pid), 'status')
  return status === undefined ? undefined : parseResidentBytes(status)
}

/** How the process calls itself: `tandem gateway`. */
export function commandOf (pid: number): string {
  return (readProcessFile(String(pid), 'cmdline') ?? '').replaceAll('\0', ' ').trim()
}

/** Undefined when the process has ended. */
function readProcessFile (pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
