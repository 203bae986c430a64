// Owns /admin/v1: what the cluster looks like, its scale, draining a worker. The scheduler decides; this relays.
import { Type } from 'typebox'
import type { App } from '../app.js'
import type { GatewayDependencies } from '../dependencies.js'
import { callScheduler } from '../scheduler/scheduler-calls.js'
import { clusterJson } from './cluster-json.js'

/** How many are too many is the scheduler's and the launcher's to say; beyond this no uint32 carries it. */
const numWorkers = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })
const scaleBody = Type.Object({
  attention: Type.Optional(numWorkers),
  ffn: Type.Optional(numWorkers)
}, { additionalProperties: false, minProperties: 1 })

export function addAdminRoutes (app: App, { scheduler }: GatewayDependencies): void {
  app.get('/admin/v1/cluster', { schema: { tags: ['admin'], summary: 'Workers, topology and load' } },
    async () => clusterJson(await callScheduler(scheduler, 'getCluster', {})))

  app.post('/admin/v1/scale', { schema: { body: scaleBody, tags: ['admin'], summary: 'Ask for a number of workers of each role' } },
    async request => callScheduler(scheduler, 'setScale', request.body))

  app.post('/admin/v1/workers/:id/drain', {
    schema: { params: Type.Object({ id: Type.String() }), tags: ['admin'], summary: 'Let a worker finish and leave' }
  }, async request => {
    await callScheduler(scheduler, 'drainWorker', { workerId: request.params.id })
    return { worker_id: request.params.id, state: 'draining' }
  })
}
