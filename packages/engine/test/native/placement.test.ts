// Where threads go on machines this one is not: written as folders, read by the code that reads the real one.
import { afterAll, describe, expect, test } from 'vitest'
import type { PlacementAnswer, PlacementOptions } from '../../src/native/kernels.js'
import { makeMachine, range, twoSockets } from './support/fake-machine.js'
import type { FakeMachine } from './support/fake-machine.js'
import { kernelsOrNull, skipReason } from './support/kernel-cases.js'

const kernels = kernelsOrNull!
/** Hundreds of files each: a machine is made once. */
const machines = new Map<string, ReturnType<typeof makeMachine>>()
afterAll(() => { for (const { remove } of machines.values()) remove() })

function rootOf (machine: FakeMachine): string {
  const key = JSON.stringify(machine)
  const { root } = machines.get(key) ?? machines.set(key, makeMachine(machine)).get(key)!
  return root
}

function placementOn (machine: FakeMachine, options: Partial<PlacementOptions> & Pick<PlacementOptions, 'affinity'>): PlacementAnswer | null {
  return kernels.placement({ root: rootOf(machine), numThreads: 0, pinThreads: 'auto', numaNode: 'auto', currentNode: 0, ...options })
}

const all = range(0, 128)

function v1Quota (group: string, quotaUs: number, periodUs: number): Record<string, string> {
  return { [`${group}/cpu.cfs_quota_us`]: String(quotaUs), [`${group}/cpu.cfs_period_us`]: String(periodUs) }
}

describe.skipIf(skipReason !== '')('placement', () => {
  test('leaves two cores as they are, siblings or not: two threads, one bound to each', () => {
    const expected = { numThreads: 2, memoryNodes: [], processCpus: [0, 1], poolCpus: [0, 1] }
    for (const nodes of [[[[0], [1]]], [[[0, 1]]], []]) {
      for (const pinThreads of ['auto', 'always', 'never'] as const) {
        expect(placementOn({ nodes }, { affinity: [0, 1], pinThreads })).toEqual(expected)
      }
    }
  })

  test('gives every core of a small machine without siblings one thread', () => {
    expect(placementOn({ nodes: [range(0, 8).map(cpu => [cpu])] }, { affinity: range(0, 8) }))
      .toEqual({ numThreads: 8, memoryNodes: [], processCpus: range(0, 8), poolCpus: range(0, 8) })
  })

  test('counts cores, not siblings, and binds to one of each', () => {
    const neighbours = [range(0, 8).map(core => [2 * core, 2 * core + 1])]
    const placed = placementOn({ nodes: neighbours }, { affinity: range(0, 16) })
    expect(placed).toEqual({ numThreads: 8, memoryNodes: [], processCpus: range(0, 16), poolCpus: range(0, 8).map(core => 2 * core) })
    // Nobody binds: the kernel may use every sibling.
    expect(placementOn({ nodes: neighbours }, { affinity: range(0, 16), pinThreads: 'never' })?.poolCpus).toEqual(range(0, 16))
    expect(placementOn({ nodes: neighbours }, { affinity: range(0, 16), numThreads: 4 })?.poolCpus).toEqual(range(0, 16))
    expect(placementOn({ nodes: neighbours }, { affinity: range(0, 16), numThreads: 4, pinThreads: 'always' })?.poolCpus).toEqual([0, 2, 4, 6])
    expect(placementOn({ nodes: neighbours }, { affinity: range(0, 16), numThreads: 16 })?.poolCpus).toEqual(range(0, 16))
  })

  test('keeps a worker on the node it runs on', () => {
    const node1 = [...range(32, 64), ...range(96, 128)]
    expect(placementOn({ nodes: twoSockets }, { affinity: all, currentNode: 1 }))
      .toEqual({ numThreads: 32, memoryNodes: [1], processCpus: node1, poolCpus: range(32, 64) })
    expect(placementOn({ nodes: twoSockets }, { affinity: all, currentNode: 1, numThreads: 8 }))
      .toEqual({ numThreads: 8, memoryNodes: [1], processCpus: node1, poolCpus: node1 })
  })

  test('takes the larger node when the one it runs on does not hold it', () => {
    const uneven = [range(0, 4).map(cpu => [cpu]), range(4, 16).map(cpu => [cpu])]
    expect(placementOn({ nodes: uneven }, { affinity: range(0, 16), currentNode: 0 })?.processCpus).toEqual(range(4, 16))
    expect(placementOn({ nodes: uneven }, { affinity: range(0, 16), currentNode: 0, numThreads: 4 })?.processCpus).toEqual(range(0, 4))
  })

  test('spreads a worker over nodes when it asks for more than one holds', () => {
    const placed = placementOn({ nodes: twoSockets }, { affinity: all, numThreads: 40, pinThreads: 'always' })
    expect(placed).toEqual({ numThreads: 40, memoryNodes: [0, 1], processCpus: all, poolCpus: [...range(0, 20), ...range(32, 52)] })
    expect(placementOn({ nodes: twoSockets }, { affinity: all, numThreads: 64 })?.poolCpus).toEqual(range(0, 64))
    expect(placementOn({ nodes: twoSockets }, { affinity: all, numThreads: 500 })).toMatchObject({ numThreads: 500, processCpus: all, poolCpus: all })
  })

  test('takes the nodes it is told, and none that it may not use', () => {
    const second = placementOn({ nodes: twoSockets }, { affinity: all, numaNode: [1] })
    expect(second).toMatchObject({ numThreads: 32, memoryNodes: [1], poolCpus: range(32, 64) })
    const both = placementOn({ nodes: twoSockets }, { affinity: all, numaNode: [0, 1] })
    expect(both).toMatchObject({ numThreads: 64, memoryNodes: [0, 1], poolCpus: range(0, 64) })
    expect(placementOn({ nodes: twoSockets }, { affinity: all, numaNode: [2] })).toBeNull()
    expect(placementOn({ nodes: twoSockets }, { affinity: range(0, 32), numaNode: [1] })).toBeNull()
    expect(placementOn({}, { affinity: [0, 1], numaNode: [0] })).toMatchObject({ numThreads: 2, poolCpus: [0, 1] })
  })

  test('forgets nodes when it is told to', () => {
    expect(placementOn({ nodes: twoSockets }, { affinity: all, numaNode: 'off' }))
      .toEqual({ numThreads: 64, memoryNodes: [], processCpus: all, poolCpus: range(0, 64) })
  })

  test('uses every core of an affinity mask that somebody narrowed', () => {
    expect(placementOn({ nodes: twoSockets }, { affinity: [5] }))
      .toEqual({ numThreads: 1, memoryNodes: [], processCpus: [5], poolCpus: [5] })
    const across = [30, 31, 32, 33]
    expect(placementOn({ nodes: twoSockets }, { affinity: across }))
      .toEqual({ numThreads: 4, memoryNodes: [0, 1], processCpus: across, poolCpus: across })
  })

  test('does without CPUs that are offline', () => {
    const offline = [1, 3, 64, 65]
    const placed = placementOn({ nodes: twoSockets, offline }, { affinity: all, numaNode: [0] })
    // Core 0 lost a sibling, core 1 both, core 3 its first one.
    expect(placed?.numThreads).toBe(31)
    expect(placed?.poolCpus).toEqual([0, 2, ...range(4, 32), 67])
    expect(placementOn({ nodes: twoSockets, offline }, { affinity: all })?.memoryNodes).toEqual([1])
  })

  test('treats CPUs without sysfs as cores of one node', () => {
    expect(placementOn({}, { affinity: range(0, 6) }))
      .toEqual({ numThreads: 6, memoryNodes: [], processCpus: range(0, 6), poolCpus: range(0, 6) })
  })

  test('stays within the quota, rounded up, on one node', () => {
    const machine = { nodes: twoSockets, cgroup: '0::/', cgroupFiles: { 'cpu.max': '150000 100000' } }
    expect(placementOn(machine, { affinity: all, currentNode: 1 })).toMatchObject({ numThreads: 2, memoryNodes: [1] })
    expect(placementOn(machine, { affinity: all, numaNode: 'off' })).toMatchObject({ numThreads: 2, poolCpus: all })
    expect(placementOn({ ...machine, cgroupFiles: { 'cpu.max': '50000 100000' } }, { affinity: [0, 1] })?.numThreads).toBe(1)
    expect(placementOn({ ...machine, cgroupFiles: { 'cpu.max': '10000000 100000' } }, { affinity: [0, 1] })?.numThreads).toBe(2)
  })
})

describe.skipIf(skipReason !== '')('cgroup quota', () => {
  const quotaOf = (cgroup: string, cgroupFiles: Record<string, string>) => kernels.cgroupQuota(rootOf({ cgroup, cgroupFiles }))

  test.each<[string, string, Record<string, string>, number]>([
    ['v2, this group', '0::/a/b', { 'a/b/cpu.max': '150000 100000' }, 1.5],
    ['v2, a parent is tighter', '0::/a/b', { 'a/b/cpu.max': '400000 100000', 'a/cpu.max': '250000 100000' }, 2.5],
    ['v2, a child is tighter', '0::/a/b', { 'a/b/cpu.max': '50000 100000', 'a/cpu.max': '250000 100000' }, 0.5],
    ['v2, no limit', '0::/a', { 'a/cpu.max': 'max 100000' }, 0],
    ['v2, the mount is the group', '0::/host/only', { 'cpu.max': '300000 100000' }, 3],
    ['v2, outside of the namespace', '0::/../..', { 'cpu.max': '300000 100000' }, 3],
    ['v2, beside v1', '1:name=systemd:/\n0::/a', { 'unified/a/cpu.max': '200000 100000' }, 2],
    ['v1, nested', '4:cpu,cpuacct:/a/b', { ...v1Quota('cpu/a/b', -1, 100_000), ...v1Quota('cpu/a', 75_000, 50_000) }, 1.5],
    ['v1, under its long name', '4:cpu,cpuacct:/', v1Quota('cpu,cpuacct', 100_000, 50_000), 2],
    ['v1, a path with a colon', '1:cpu:/a:b', v1Quota('cpu/a:b', 100_000, 50_000), 2],
    ['v1, another controller', '4:cpuset:/a\n5:cpuacct:/a', v1Quota('cpu/a', 100_000, 100_000), 0],
    ['what is none', 'garbage\n0::/a', { 'a/cpu.max': 'many of them' }, 0]
  ])('%s', (_name, cgroup, files, expected) => {
    expect(quotaOf(cgroup, files)).toBe(expected)
  })

  test('is absent where there are no cgroups', () => {
    expect(kernels.cgroupQuota(rootOf({}))).toBe(0)
  })
})

test.skipIf(skipReason !== '')('kernel lists', () => {
  expect(kernels.parseCpuList('0-3,8,10-11')).toEqual([0, 1, 2, 3, 8, 10, 11])
  expect(kernels.parseCpuList('')).toEqual([])
  for (const strange of ['x', '1-', '-1', '1,,2', '0-70000', '1 2']) expect(kernels.parseCpuList(strange)).toEqual([])
})
