import { makeError } from '@tandem/core'
import { MemoryStore, storeErrors } from '@tandem/store'
import type { PlacementChange, PlacementKind } from '@tandem/store'
import { pino } from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import { StorePublisher } from '../src/store-publisher.js'
import { CoreDriver } from './support/core-driver.js'

/** A store that can go away and come back empty. */
class FlakyStore extends MemoryStore {
  override isReachable = true as true
  breaksNext = false

  readonly #listeners: Array<() => void> = []
  override onReachable (listener: () => void): void { this.#listeners.push(listener) }

  setReachable (isReachable: boolean): void {
    this.isReachable = isReachable as true
    if (isReachable) for (const listener of this.#listeners) listener()
  }

  override async updatePlacement (kind: PlacementKind, workerId: string, change: PlacementChange): Promise<boolean> {
    if (this.breaksNext) {
      this.breaksNext = false
      throw makeError(storeErrors, 'store_unreachable', { address: 'test', reason: 'reset' })
    }
    return await super.updatePlacement(kind, workerId, change)
  }
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index)
let nowMs: number
let store: FlakyStore
let driver: CoreDriver
let publisher: StorePublisher
const publish = (): Promise<void> => publisher.publish(nowMs)

describe('StorePublisher', () => {
  beforeEach(async () => {
    nowMs = 0
    store = new FlakyStore(() => nowMs)
    driver = new CoreDriver()
    publisher = new StorePublisher({ store, core: driver.core, leaseMs: 1000, renewEveryMs: 100, logger: pino({ level: 'silent' }) })
    driver.attention('a')
    driver.ffn('f')
    driver.generate({ requestId: 'r', promptTokenIds: range(9), maxTokens: 3 })
    await publish()
  })
  const hashes = (): string[] => driver.core.books.attention.get('a')!.blocks.cachedHashes()

  test('publishes workers, sequences, blocks and the epoch as they change', async () => {
    expect((await store.listWorkers()).map(({ workerId, role }) => `${workerId} ${role}`)).toEqual(['a attention', 'f ffn'])
    expect(await store.locate('sequence', ['r'])).toEqual([['a']])
    expect(await store.getEpoch()).toBe(1)
    driver.runDry()
    await publish()
    expect(hashes().length).toBeGreaterThan(0)
    expect(await store.locate('block', hashes())).toEqual(hashes().map(() => ['a']))
    expect(await store.locate('sequence', ['r'])).toEqual([[]])
    driver.ffn('f2')
    driver.lose('a')
    await publish()
    expect((await store.listWorkers()).map(({ workerId }) => workerId)).toEqual(['f', 'f2'])
    expect(await store.getEpoch()).toBe(2)
  })

  test('renews leases in time, and registers again what the store let lapse', async () => {
    driver.runDry()
    await publish()
    nowMs = 900
    await publish()
    nowMs = 1800
    await publish()
    expect(await store.listWorkers()).toHaveLength(2)
    nowMs = 5000
    await publish()
    await publish()
    expect(await store.listWorkers()).toHaveLength(2)
    expect(await store.locate('block', hashes())).toEqual(hashes().map(() => ['a']))
  })

  test('an outage stops nothing; afterwards everything is there again', async () => {
    store.setReachable(false)
    driver.runDry()
    await publish()
    expect(publisher.description).toBe('memory (unreachable)')
    for (const workerId of ['a', 'f']) await store.removeWorker(workerId)
    store.setReachable(true)
    await publish()
    expect(publisher.description).toBe('memory')
    expect(await store.locate('block', hashes())).toEqual(hashes().map(() => ['a']))
  })

  test('an outage between two runs is made up for too', async () => {
    driver.runDry()
    await publish()
    store.setReachable(false)
    for (const workerId of ['a', 'f']) await store.removeWorker(workerId)
    store.setReachable(true)
    expect(publisher.isInSync).toBe(false)
    await publish()
    expect(publisher.isInSync).toBe(true)
    expect(await store.locate('block', hashes())).toEqual(hashes().map(() => ['a']))
  })

  test('says when the first lease wants to be renewed', async () => {
    expect(publisher.renewAtMs).toBe(100)
    nowMs = 60
    driver.ffn('f2')
    await publish()
    expect(publisher.renewAtMs).toBe(100)
    nowMs = 100
    await publish()
    expect(publisher.renewAtMs).toBe(160)
    for (const workerId of ['a', 'f', 'f2']) driver.lose(workerId)
    await publish()
    expect(publisher.renewAtMs).toBe(Infinity)
  })

  test('a change that was lost half way is made up for', async () => {
    driver.runDry()
    store.breaksNext = true
    await publish()
    await publish()
    expect(await store.locate('block', hashes())).toEqual(hashes().map(() => ['a']))
    expect(await store.locate('sequence', ['r'])).toEqual([[]])
  })

  test('a store that is ahead raises the epoch, one that forgot it is told again', async () => {
    await store.advanceEpoch(1, 50)
    driver.ffn('f2')
    await publish()
    expect(driver.core.ffn.epoch).toBe(50)
    driver.ffn('f3')
    await publish()
    expect(await store.getEpoch()).toBe(51)
  })

  test('a worker that comes back under its id starts with nothing placed on it', async () => {
    driver.runDry()
    await publish()
    const before = hashes()
    driver.lose('a')
    driver.attention('a')
    await publish()
    expect(await store.locate('block', before)).toEqual(before.map(() => []))
  })
})
