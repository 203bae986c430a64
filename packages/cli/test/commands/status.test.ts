import { afterEach, beforeEach, expect, test } from 'vitest'
import { runDrain } from '../../src/commands/drain.js'
import { runStatus } from '../../src/commands/status.js'
import type { StatusView } from '../../src/commands/status.js'
import { startFakeScheduler } from '../support/fake-scheduler.js'
import type { FakeScheduler } from '../support/fake-scheduler.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

let scheduler: FakeScheduler
beforeEach(async () => {
  scheduler = await startFakeScheduler({
    workers: [{ workerId: 'a1', host: 'box-a', state: 'ready' }, { workerId: 'f1', host: 'box-f', state: 'joining' }]
  })
})
afterEach(async () => { await scheduler.close() })

function context () {
  return { terminal: memoryTerminal(), env: { TANDEM_SCHEDULER_ADDRESS: scheduler.address }, onStopSignal: stopSwitch().onStopSignal }
}

async function status (view: StatusView) {
  const given = context()
  return { exitCode: await runStatus({}, view, given), text: given.terminal.stdout() }
}

test('shows all workers', async () => {
  const { exitCode, text } = await status({})
  expect(exitCode).toBe(0)
  expect(text).toMatch(/a1 .*box-a[^]*f1 .*box-f/)
  expect(JSON.parse((await status({ json: true })).text).workers).toHaveLength(2)
})

test.each([['a1', 0], ['box-a', 0], ['box-f', 1]])('as a health check of %s it exits with %i', async (worker, exitCode) => {
  const result = await status({ worker, json: true })
  expect(result.exitCode).toBe(exitCode)
  expect(JSON.parse(result.text).workers).toHaveLength(1)
})

test('a worker that never came is an error', async () => {
  await expect(status({ worker: 'nobody' })).rejects.toMatchObject({ code: 'worker_missing' })
})

test('drain names the worker', async () => {
  expect(await runDrain('a1', {}, context())).toBe(0)
  expect(scheduler.drained).toEqual(['a1'])
})
