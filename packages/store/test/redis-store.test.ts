import { once } from 'node:events'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, test } from 'vitest'
import { isTandemError } from '@tandem/core'
import { RedisStore } from '../src/index.js'
import type { Store } from '../src/index.js'
import { testStore, worker } from './support/conformance.js'
import { startRedis } from './support/redis-server.js'
import type { RedisServer } from './support/redis-server.js'
import { SeverableProxy } from './support/severable-proxy.js'

const redis = await startRedis()
let namespaces = 0

async function reachable (store: Store): Promise<void> {
  while (!store.isReachable) await new Promise<void>(resolve => { store.onReachable(resolve) })
}

async function connectStore (port: number, host = '127.0.0.1'): Promise<RedisStore> {
  const store = new RedisStore({ url: `redis://${host}:${port}`, namespace: `test-${process.pid}-${++namespaces}` })
  await reachable(store)
  return store
}

if ('reason' in redis) process.stderr.write(`skipped RedisStore tests: ${redis.reason}\n`)

describe.skipIf('reason' in redis)('with a server', () => {
  const server = redis as RedisServer
  afterAll(() => server.stop())

  testStore(`RedisStore on ${server.source}`, async () => {
    const store = await connectStore(server.port, server.host)
    return {
      store,
      lapse: async (_leaseMs, hasLapsed) => { await expect.poll(hasLapsed, { interval: 5 }).toBe(true) },
      close: () => store.close()
    }
  })

  describe('RedisStore', () => {
    test('fails fast and typed while Redis is away, and works again without a restart', async () => {
      const proxy = new SeverableProxy(server.host, server.port)
      await proxy.mend()
      const store = await connectStore(proxy.port)
      await store.registerWorker(worker('a'), 60_000)
      await proxy.sever()
      await expect.poll(() => store.isReachable, { interval: 5 }).toBe(false)
      await expect(store.renewWorker('a', 60_000)).rejects.toSatisfy(error => isTandemError(error, 'store_unreachable'))
      await expect(store.getEpoch()).rejects.toMatchObject({ retryable: true, facts: { address: `127.0.0.1:${proxy.port}` } })
      const back = new Promise<void>(resolve => { store.onReachable(resolve) })
      await proxy.mend()
      await back
      expect(await store.renewWorker('a', 60_000)).toBe(true)
      await store.close()
      await proxy.sever()
    })

    test('sends a script again when the server forgot it', async () => {
      const store = await connectStore(server.port, server.host)
      expect(await store.advanceEpoch(0, 1)).toEqual({ advanced: true, epoch: 1 })
      const client = new Redis({ host: server.host, port: server.port })
      await client.script('FLUSH')
      expect(await store.advanceEpoch(1, 2)).toEqual({ advanced: true, epoch: 2 })
      client.disconnect()
      await once(client, 'end')
      await store.close()
    })

    test('all keys carry the hash tag, expire with the lease, and a foreign value is refused by name', async () => {
      const namespace = `keys-${process.pid}`
      const store = new RedisStore({ url: `redis://${server.host}:${server.port}`, namespace })
      await reachable(store)
      await store.registerWorker(worker('a'), 60_000)
      await store.updatePlacement('block', 'a', { added: ['x'], removed: [] })
      const client = new Redis({ host: server.host, port: server.port })
      const keys = (await client.keys('*')).filter(key => key.includes(namespace)).sort()
      expect(keys).toEqual([`{${namespace}}:blocks:a`, `{${namespace}}:worker:a`, `{${namespace}}:workers`])
      expect(await client.pttl(`{${namespace}}:blocks:a`)).toBeGreaterThan(0)
      await client.set(`{${namespace}}:worker:a`, 'nonsense')
      await expect(store.listWorkers()).rejects.toMatchObject({ code: 'store_record_invalid' })
      client.disconnect()
      await store.close()
    })
  })
})

describe('RedisStore without a server', () => {
  test('refuses a URL it cannot use without showing its password', () => {
    expect(() => new RedisStore({ url: 'http://user:secret@host', namespace: 't' })).toThrow('redis:// or rediss:// URL (got http://***@host)')
  })

  test('starts unreachable and says which server it wants', async () => {
    const store = new RedisStore({ url: 'redis://127.0.0.1:1', namespace: 't' })
    await expect(store.getEpoch()).rejects.toMatchObject({ code: 'store_unreachable', facts: { address: '127.0.0.1:1' } })
    await store.close()
  })
})
