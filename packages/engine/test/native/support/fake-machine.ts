// Owns folders that look like the root of a machine to the placement code: sysfs of CPUs and nodes, cgroups. Test support.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface FakeMachine {
  /** CPU ids by node, then by core: [[[0, 64], [1, 65]], ...]. Empty: no sysfs. */
  readonly nodes?: readonly (readonly (readonly number[])[])[]
  /** Of all CPUs, those that are offline. */
  readonly offline?: readonly number[]
  /** Text of /proc/self/cgroup, and files below /sys/fs/cgroup. */
  readonly cgroup?: string
  readonly cgroupFiles?: Readonly<Record<string, string>>
}

/** Returns its root and a function that removes it. */
export function makeMachine ({ nodes = [], offline = [], cgroup, cgroupFiles = {} }: FakeMachine): { readonly root: string, remove (): void } {
  const root = mkdtempSync(join(tmpdir(), 'tandem-machine-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${text}\n`)
  }
  const isOnline = (cpu: number) => !offline.includes(cpu)
  const online = nodes.flat(2).filter(isOnline).sort((a, b) => a - b)
  if (nodes.length > 0) {
    write('sys/devices/system/cpu/online', online.join(','))
    write('sys/devices/system/node/online', nodes.length === 1 ? '0' : `0-${nodes.length - 1}`)
  }
  nodes.forEach((cores, node) => {
    write(`sys/devices/system/node/node${node}/cpulist`, cores.flat().filter(isOnline).join(','))
    for (const core of cores) {
      for (const cpu of core.filter(isOnline)) {
        write(`sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, core.filter(isOnline).join(','))
      }
    }
  })
  if (cgroup !== undefined) write('proc/self/cgroup', cgroup)
  for (const [path, text] of Object.entries(cgroupFiles)) write(join('sys/fs/cgroup', path), text)
  return { root, remove () { rmSync(root, { recursive: true }) } }
}

export function range (start: number, end: number): number[] { return Array.from({ length: end - start }, (_, i) => start + i) }

/** Two nodes of 32 cores with two threads each, numbered as Linux does: 0-31 and 64-95 are node 0. */
export const twoSockets = [0, 1].map(node => range(node * 32, node * 32 + 32).map(cpu => [cpu, cpu + 64]))
