import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { RunningClusters } from '../../src/cluster/running-clusters.js'
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

test('more workers than the machine has use for need --force', async () => {
  const scheduler = await startFakeScheduler()
  const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
  onTestFinished(async () => {
    await scheduler.close()
    rmSync(folder, { recursive: true })
  })
  const env = { XDG_RUNTIME_DIR: folder }
  new RunningClusters(env).add({ pid: process.pid, port: 1, schedulerAddress: scheduler.address, maxWorkersPerRole: 8 })
  const scale = (target: string, flags: Record<string, unknown> = {}) => {
    const context = { terminal: memoryTerminal(), env, onStopSignal: stopSwitch().onStopSignal }
    return runScale([target], { schedulerAddress: scheduler.address, ...flags }, false, context)
  }
  await expect(scale('ffn=99')).rejects.toMatchObject({
    code: 'usage', message: 'ffn=99 is more than this machine has use for (8 workers of a role): --force starts them all the same'
  })
  await expect(scale('attention=9')).rejects.toThrow('attention=9')
  expect(await scale('ffn=8')).toBe(0)
  expect(await scale('ffn=99', { force: true })).toBe(0)
})
