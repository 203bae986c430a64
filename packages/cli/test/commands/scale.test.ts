import { expect, onTestFinished, test } from 'vitest'
import { parseTargets, runScale } from '../../src/commands/scale.js'
import { startFakeScheduler } from '../support/fake-scheduler.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

test('targets are read', () => {
  expect(parseTargets(['attention=2', 'ffn=0'])).toEqual({ attention: 2, ffn: 0 })
  expect(parseTargets(['ffn=3'])).toEqual({ ffn: 3 })
})

test.each([
  [['ffn'], "'ffn' is not attention=N or ffn=N"],
  [['ffn=-1'], "'ffn=-1' is not attention=N or ffn=N"],
  [['gateway=2'], "'gateway=2' is not attention=N or ffn=N"],
  [['attention=0'], 'attention must be at least 1'],
  [[], 'say what to scale: attention=N, ffn=N or both']
])('%j is refused', (targets, reason) => {
  expect(() => parseTargets(targets)).toThrow(reason)
})

test('waits until the workers are there', async () => {
  const ready = { role: 'WORKER_ROLE_FFN', state: 'ready' } as const
  const scheduler = await startFakeScheduler({ workers: [ready, { ...ready, state: 'joining' }] })
  const terminal = memoryTerminal(() => { scheduler.cluster = { workers: [ready, ready] } })
  const context = { terminal, env: {}, onStopSignal: stopSwitch().onStopSignal }
  expect(await runScale(['ffn=2'], { schedulerAddress: scheduler.address }, true, context)).toBe(0)
  expect(terminal.stderr()).toBe('loading: ffn 1/2 ready\n')
  expect(terminal.stdout()).toBe('0 attention and 2 ffn workers\n')
  await scheduler.close()
})

test('only --force asks for more workers than the machine has use for', async () => {
  const scheduler = await startFakeScheduler()
  onTestFinished(() => scheduler.close())
  const scale = (flags: Record<string, unknown>) => {
    const context = { terminal: memoryTerminal(), env: {}, onStopSignal: stopSwitch().onStopSignal }
    return runScale(['ffn=99'], { schedulerAddress: scheduler.address, ...flags }, false, context)
  }
  await scale({})
  await scale({ force: true })
  expect(scheduler.scales).toMatchObject([{ ffn: 99, force: false }, { ffn: 99, force: true }])
})
