import { expect, test } from 'vitest'
import { ClusterClient } from '../../src/cluster/cluster-client.js'
import { clusterJson, clusterText } from '../../src/cluster/cluster-report.js'
import { startFakeScheduler } from '../support/fake-scheduler.js'

const stats = { rssBytes: 300e6, weightBytes: 53.1e6, refused: { stale_epoch: 2 } }

const message = {
  state: { ready: true, modelName: 'tiny' },
  epoch: 3,
  split: 'FFN_SPLIT_EP',
  store: 'memory',
  version: '0.1.0',
  targetAttention: 1,
  targetFfn: 1,
  hasLauncher: true,
  numRequestsRunning: 2,
  workers: [
    {
      workerId: 'f1', role: 'WORKER_ROLE_FFN', state: 'ready', backend: 'cpu', host: 'box', pid: 12, stats,
      assignment: { epoch: 3, instanceIdx: 0, rank: 0, size: 1, split: 'FFN_SPLIT_EP', shards: { start: 0, end: 8 } }
    },
    {
      workerId: 'a1', role: 'WORKER_ROLE_ATTENTION', state: 'ready', backend: 'reference', backendReason: 'no addon', host: 'box', pid: 11,
      stats, numKvBlocks: 100, numFreeKvBlocks: 75, kvCacheBytes: 1.5e9, kvDtype: 'f32', numRunning: 2
    }
  ]
} as const

/** As the wire delivers it: with defaults and the codec's marks. */
async function received () {
  const scheduler = await startFakeScheduler(message as never)
  const client = new ClusterClient(scheduler.address, '')
  const cluster = await client.getCluster()
  client.close()
  await scheduler.close()
  return cluster
}

test('the table', async () => {
  expect(clusterText(await received())).toBe([
    'Tandem 0.1.0, serving tiny',
    'epoch 3, split ep, store memory, requests 2 running, 0 waiting',
    'workers 1 attention, 1 ffn (targets 1 and 1)',
    '',
    'WORKER  ROLE       STATE  WEIGHTS  KV CACHE           RSS     RUNNING  SHARDS           HOST  PID  BACKEND',
    'a1      attention  ready  53.1 MB  25% of 1.5 GB f32  300 MB  2        -                box   11   reference: no addon',
    'f1      ffn        ready  53.1 MB  -                  300 MB  -        0-7, instance 0  box   12   cpu',
    ''
  ].join('\n'))
})

test('JSON has snake_case keys, short enums and no marks of the codec', async () => {
  const json = clusterJson(await received()) as { workers: Record<string, unknown>[] }
  expect(json).toMatchObject({ split: 'ep', num_requests_running: 2, state: { model_name: 'tiny' } })
  expect(json.workers[0]).toMatchObject({
    role: 'ffn', stats: { weight_bytes: 53.1e6, refused: { stale_epoch: 2 } }, assignment: { split: 'ep', shards: { start: 0, end: 8 } }
  })
  expect(JSON.stringify(json)).not.toMatch(/"_|[a-z][A-Z][a-z]+":/)
})

test('a scheduler that is not there is one clear line', async () => {
  const scheduler = await startFakeScheduler()
  await scheduler.close()
  const client = new ClusterClient(scheduler.address, '')
  await expect(client.getCluster(2_000)).rejects.toMatchObject({
    code: 'scheduler_unreachable', message: `cannot reach the scheduler at ${scheduler.address}: connection refused`
  })
  client.close()
})
