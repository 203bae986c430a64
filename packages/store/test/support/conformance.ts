// The one suite every store passes. `lapse` lets a lease of `leaseMs` run out.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store, WorkerRecord } from '../../src/index.js'

export interface StoreHarness {
  readonly store: Store
  lapse (leaseMs: number, hasLapsed: () => Promise<boolean>): Promise<void>
  close (): Promise<void>
}

/** Long enough that nothing lapses by accident, also on a slow machine. */
const LONG_MS = 600_000
const SHORT_MS = 40

export function worker (workerId: string, overrides: Partial<WorkerRecord> = {}): WorkerRecord {
  return {
    workerId, role: 'attention', modelName: 'model', modelFingerprint: 'f00d', host: 'host', pid: 7, backend: 'cpu', ...overrides
  }
}

export function testStore (name: string, start: () => Promise<StoreHarness>): void {
  describe(`${name} keeps the contract`, () => {
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => { harness = await start(); store = harness.store })
    afterEach(() => harness.close())
    const ids = async (): Promise<string[]> => (await store.listWorkers()).map(({ workerId }) => workerId)

    test('lists, replaces and removes workers', async () => {
      expect(await store.listWorkers()).toEqual([])
      await store.registerWorker(worker('b'), LONG_MS)
      await store.registerWorker(worker('a', { role: 'ffn' }), LONG_MS)
      expect(await store.listWorkers()).toEqual([worker('a', { role: 'ffn' }), worker('b')])
      await store.registerWorker(worker('b', { pid: 8 }), LONG_MS)
      expect((await store.listWorkers())[1]).toEqual(worker('b', { pid: 8 }))
      await store.removeWorker('a')
      await store.removeWorker('nobody')
      expect(await ids()).toEqual(['b'])
    })

    test('a lease ends with the worker and all that is placed on it, unless renewed', async () => {
      await store.registerWorker(worker('a'), SHORT_MS)
      await store.registerWorker(worker('b'), SHORT_MS)
      await store.updatePlacement('block', 'a', { added: ['x'], removed: [] })
      await store.updatePlacement('block', 'b', { added: ['x'], removed: [] })
      expect(await store.renewWorker('b', LONG_MS)).toBe(true)
      await harness.lapse(SHORT_MS, async () => (await ids()).length === 1)
      expect(await ids()).toEqual(['b'])
      expect(await store.renewWorker('a', LONG_MS)).toBe(false)
      expect(await store.updatePlacement('block', 'a', { added: ['y'], removed: [] })).toBe(false)
      expect(await store.locate('block', ['x', 'y'])).toEqual([['b'], []])
      await store.registerWorker(worker('a'), LONG_MS)
      expect(await store.locate('block', ['x'])).toEqual([['b']])
    })

    test('locates blocks and sequences, each kind for itself', async () => {
      await store.registerWorker(worker('a'), LONG_MS)
      await store.registerWorker(worker('b'), LONG_MS)
      expect(await store.updatePlacement('block', 'a', { added: ['h1', 'h2'], removed: [] })).toBe(true)
      expect(await store.updatePlacement('block', 'b', { added: ['h2'], removed: ['h9'] })).toBe(true)
      expect(await store.updatePlacement('sequence', 'b', { added: ['h1'], removed: [] })).toBe(true)
      expect(await store.locate('block', ['h1', 'h2', 'h3'])).toEqual([['a'], ['a', 'b'], []])
      expect(await store.locate('sequence', ['h1', 'h2'])).toEqual([['b'], []])
      expect(await store.locate('block', [])).toEqual([])
      await store.updatePlacement('block', 'a', { added: ['h3'], removed: ['h1', 'h2'] })
      expect(await store.locate('block', ['h1', 'h2', 'h3'])).toEqual([[], ['b'], ['a']])
      await store.removeWorker('a')
      expect(await store.locate('block', ['h3'])).toEqual([[]])
    })

    test('a record that is replaced keeps its placements, one that was removed does not', async () => {
      await store.registerWorker(worker('a'), LONG_MS)
      await store.updatePlacement('sequence', 'a', { added: ['s'], removed: [] })
      await store.registerWorker(worker('a', { pid: 9 }), LONG_MS)
      expect(await store.locate('sequence', ['s'])).toEqual([['a']])
      await store.removeWorker('a')
      await store.registerWorker(worker('a'), LONG_MS)
      expect(await store.locate('sequence', ['s'])).toEqual([[]])
    })

    test('takes large changes', async () => {
      await store.registerWorker(worker('a'), LONG_MS)
      const hashes = Array.from({ length: 5000 }, (_, index) => `hash-${index}`)
      await store.updatePlacement('block', 'a', { added: hashes, removed: [] })
      await store.updatePlacement('block', 'a', { added: ['new'], removed: hashes.slice(0, 4999) })
      expect(await store.locate('block', ['hash-0', 'hash-4998', 'hash-4999', 'new'])).toEqual([[], [], ['a'], ['a']])
    })

    test('the epoch rises by compare and set only', async () => {
      expect(await store.getEpoch()).toBe(0)
      expect(await store.advanceEpoch(0, 3)).toEqual({ advanced: true, epoch: 3 })
      expect(await store.advanceEpoch(0, 4)).toEqual({ advanced: false, epoch: 3 })
      expect(await store.advanceEpoch(3, 3)).toEqual({ advanced: false, epoch: 3 })
      expect(await store.advanceEpoch(3, 2)).toEqual({ advanced: false, epoch: 3 })
      const racers = await Promise.all([4, 5, 6].map(next => store.advanceEpoch(3, next)))
      expect(racers.filter(({ advanced }) => advanced)).toHaveLength(1)
      expect(await store.getEpoch()).toBe(racers.find(({ advanced }) => advanced)!.epoch)
    })
  })
}
