import { expect, test } from 'vitest'
import { createStore } from '../src/index.js'

test('an empty URL is the memory store, any other a Redis one', async () => {
  const memory = createStore({ redis: '' })
  const redis = createStore({ redis: 'redis://127.0.0.1:1' })
  expect([memory.kind, memory.isReachable, redis.kind, redis.isReachable]).toEqual(['memory', true, 'redis', false])
  await Promise.all([memory.close(), redis.close()])
})
