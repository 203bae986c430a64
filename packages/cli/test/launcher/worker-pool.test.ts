import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { lastWords } from '../../src/launcher/last-words.js'
import { WorkerPool } from '../../src/launcher/worker-pool.js'
import type { PoolEvents } from '../../src/launcher/worker-pool.js'

const entry = fileURLToPath(new URL('../support/fake-service.mjs', import.meta.url))
const policy = { firstDelayMs: 1, delayMsMax: 1, numCrashesMax: 2, windowMs: 60_000 }

let pool: WorkerPool | undefined
afterEach(() => { pool?.kill() })

function createPool (env: Record<string, string>) {
  const emitter = new EventEmitter()
  const events: PoolEvents = {
    onLine: (process, line) => emitter.emit(line.message, process),
    onCrash: (process, end, restartMs) => emitter.emit('crash', process, end, restartMs),
    onLeave: process => emitter.emit('leave', process)
  }
  pool = new WorkerPool({ specOf: number => ({ name: `worker-${number}`, entry, env: { ...process.env, ...env } }), events, policy })
  return { pool, emitter }
}

const isAlive = (pid: number) => { try { return process.kill(pid, 0) } catch { return false } }

test('scales up and down, stopping the newest when none leaves', async () => {
  const { pool, emitter } = createPool({})
  await pool.scaleTo(1, 0)
  await once(emitter, 'started')
  const [first] = pool.processes
  await pool.scaleTo(3, 0)
  await once(emitter, 'started')
  await once(emitter, 'started')
  expect(pool.processes.map(process => process.spec.name)).toEqual(['worker-1', 'worker-2', 'worker-3'])
  const pids = pool.processes.map(process => process.pid ?? 0)
  await pool.scaleTo(1, 1)
  expect(pool.processes).toEqual([first])
  expect(pids.map(isAlive)).toEqual([true, false, false])
  await pool.close(10_000)
  expect(pids.map(isAlive)).toEqual([false, false, false])
})

test('a crash starts it again, too many leave it down, and its last words are kept', async () => {
  const { pool, emitter } = createPool({ FAKE_EXIT: '3', FAKE_LINES: JSON.stringify(['{"level":60,"msg":"worker: no such model"}', 'bye']) })
  const delays: unknown[] = []
  const words: string[] = []
  const ended = new Promise<void>(resolve => {
    emitter.on('crash', (process, end, restartMs) => {
      words.push(lastWords(process.spec.name, end))
      delays.push([end.code, restartMs])
      if (restartMs === undefined) resolve()
    })
  })
  await pool.scaleTo(1, 0)
  await ended
  expect(delays).toEqual([[3, 1], [3, 1], [3, undefined]])
  expect(words[0]).toBe('no such model')
})

test('of too many, those that leave by themselves are the ones that go', async () => {
  const { pool, emitter } = createPool({})
  await pool.scaleTo(3, 0)
  for (let count = 0; count < 3; count++) await once(emitter, 'started')
  const [first, second, third] = pool.processes
  const scaled = pool.scaleTo(1, 20_000)
  process.kill(first?.pid ?? 0, 'SIGTERM')
  process.kill(second?.pid ?? 0, 'SIGKILL')
  await scaled
  expect(pool.processes).toEqual([third])
  expect(isAlive(third?.pid ?? 0)).toBe(true)
})

test('a worker that ends by itself with code 0 has left', async () => {
  const { pool, emitter } = createPool({ FAKE_EXIT: '0' })
  await pool.scaleTo(1, 0)
  await once(emitter, 'leave')
  expect(pool.size).toBe(0)
})

test('a process that ignores SIGTERM is killed after its grace', async () => {
  const { pool, emitter } = createPool({ FAKE_STUBBORN: '1' })
  await pool.scaleTo(1, 0)
  await once(emitter, 'started')
  const pid = pool.processes[0]?.pid ?? 0
  await pool.close(50)
  expect(isAlive(pid)).toBe(false)
})
