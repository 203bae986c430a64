import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RunningClusters } from '../../src/cluster/running-clusters.js'
import { ClusterRun } from '../../src/launcher/cluster-run.js'
import { planCluster } from '../../src/launcher/plan.js'
import { findFreePort } from '../../src/launcher/ports.js'
import { startFakeScheduler } from '../support/fake-scheduler.js'
import type { FakeScheduler } from '../support/fake-scheduler.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'
import { waitFor } from '../support/wait-for.js'

const entry = fileURLToPath(new URL('../support/fake-service.mjs', import.meta.url))
let scheduler: FakeScheduler
let folder: string

beforeEach(async () => {
  scheduler = await startFakeScheduler({
    state: { ready: true, modelName: 'tiny', reason: '', modelFingerprint: '', maxModelLen: 64 }, workers: [{ backend: 'reference', backendReason: 'TypeScript, float32; no cpu: the native engine was never built' }]
  })
  folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
})
afterEach(async () => {
  await scheduler.close()
  rmSync(folder, { recursive: true })
})

async function startRun (extra: Record<string, string> = {}) {
  const port = await findFreePort('127.0.0.1', 0)
  const env = { ...process.env, XDG_RUNTIME_DIR: folder, FAKE_PIDS: folder, ...extra }
  const terminal = memoryTerminal()
  const { onStopSignal, stop } = stopSwitch()
  const options = {
    host: '127.0.0.1',
    port,
    schedulerAddress: scheduler.address,
    clusterToken: '',
    counts: { attention: 1, ffn: 1 },
    apiKey: undefined,
    spelledApiKey: undefined,
    gatewayShutdownMs: 1_000,
    readyTimeoutMs: 20_000,
    verbose: false
  }
  const plan = planCluster({
    ...options, schedulerPort: 1, model: 'm', backend: 'auto', connector: 'auto', redis: undefined, passedOn: {}
  }, env, () => entry)
  const run = new ClusterRun(options, { env, terminal, onStopSignal })
  return { port, env, terminal, stop, served: run.serve(plan) }
}

/** Titles of the fake services that live, by pid. */
const live = () => new Map(readdirSync(folder).filter(name => /^\d+$/.test(name))
  .map(name => [Number(name), readFileSync(join(folder, name), 'utf8')] as const))
const names = () => [...live().values()].sort()

test('serves, obeys the scheduler, restarts what crashes, and leaves nothing behind', async () => {
  const { port, env, terminal, stop, served } = await startRun({ FAKE_READY: '1' })
  await waitFor(() => terminal.stdout() !== '')
  expect(terminal.stdout()).toContain(`Tandem serves tiny at http://127.0.0.1:${port} (this machine only)`)
  expect(terminal.stdout()).toContain(`curl http://127.0.0.1:${port}/v1/chat/completions \\\n`)
  expect(terminal.stdout()).toContain('because the native engine was never built. To change that, run `npm run build:native')
  expect(terminal.stdout()).toContain('"max_tokens":16}')
  expect(await scheduler.launcherHello).toMatchObject({ attention: 1, ffn: 1, maxWorkersPerRole: 4 * availableParallelism() })
  expect(new RunningClusters(env).list()).toMatchObject([{ pid: process.pid, port, schedulerAddress: scheduler.address }])

  scheduler.command({ attention: 1, ffn: 2 })
  await waitFor(() => names().length === 5)
  expect(names()).toEqual(['attention-worker-1', 'ffn-worker-1', 'ffn-worker-2', 'gateway', 'scheduler'].map(name => `tandem ${name}`))

  const [crashing] = [...live()].find(([, name]) => name === 'tandem ffn-worker-2') ?? []
  process.kill(crashing ?? 0, 'SIGKILL')
  await waitFor(() => /ffn-worker-2 ended \(SIGKILL\): killed by a signal; starting it again in 0\.5 s/.test(terminal.stderr()))
  rmSync(join(folder, String(crashing)))
  await waitFor(() => names().length === 5)

  stop()
  expect(await served).toBe(0)
  expect(names()).toEqual([])
  expect(new RunningClusters(env).list()).toEqual([])
})

test('what a process warns of while it starts is shown; the rest of its log is not', async () => {
  const lines = JSON.stringify(['{"level":40,"msg":"longer than the model","asked":9}', '{"level":30,"msg":"loading"}', 'Warning: plain'])
  const { terminal, stop, served } = await startRun({ FAKE_READY: '1', FAKE_LINES: lines })
  await waitFor(() => terminal.stdout() !== '')
  expect(terminal.stderr()).toContain('attention-worker-1  longer than the model (asked=9)\n')
  expect(terminal.stderr()).not.toMatch(/loading \(|Warning: plain/)
  stop()
  expect(await served).toBe(0)
})

test('a store that does not answer is told of', async () => {
  await scheduler.close()
  scheduler = await startFakeScheduler({
    state: { ready: true, modelName: 'tiny', reason: '', modelFingerprint: '', maxModelLen: 64 }, store: 'redis (unreachable)'
  })
  const { terminal, stop, served } = await startRun({ FAKE_READY: '1' })
  await waitFor(() => terminal.stdout() !== '')
  expect(terminal.stderr()).toContain('the store does not answer: redis (unreachable); serving goes on without it\n')
  stop()
  expect(await served).toBe(0)
})

test('a service that cannot start ends everything with its own words', async () => {
  const lines = JSON.stringify(['{"level":60,"msg":"model is corrupt"}'])
  const { served } = await startRun({ FAKE_EXIT: '1', FAKE_LINES: lines })
  await expect(served).rejects.toMatchObject({ code: 'service_ended', message: expect.stringContaining('(code 1): model is corrupt') })
  expect(names()).toEqual([])
})

test('a stop while it loads ends it at once', async () => {
  const { stop, served } = await startRun()
  await waitFor(() => names().length === 4)
  stop()
  expect(await served).toBe(0)
  expect(names()).toEqual([])
})
