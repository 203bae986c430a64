import { expect, test } from 'vitest'
import { planCluster } from '../../src/launcher/plan.js'
import type { ClusterSettings } from '../../src/launcher/plan.js'

const settings: ClusterSettings = {
  host: '0.0.0.0',
  port: 8000,
  schedulerPort: 9001,
  model: '/models/m.gguf',
  backend: 'auto',
  connector: 'tcp',
  redis: 'redis://localhost',
  apiKey: 'secret',
  gatewayShutdownMs: 4_000,
  passedOn: { numUbatches: '2' }
}
const plan = (changes: Partial<ClusterSettings> = {}, env = {}) =>
  planCluster({ ...settings, ...changes }, env, service => `/${service}/main.js`)

test('the gateway listens where the user said, everything else on loopback', () => {
  expect(plan().gateway.env).toMatchObject({ TANDEM_HOST: '0.0.0.0', TANDEM_PORT: '8000', TANDEM_SCHEDULER_ADDRESS: '127.0.0.1:9001' })
  expect(plan().scheduler.env).toMatchObject({ TANDEM_HOST: '127.0.0.1', TANDEM_PORT: '9001' })
  expect(plan().worker('ffn-worker', 2)).toMatchObject({
    name: 'ffn-worker-2',
    entry: '/ffn-worker/main.js',
    env: { TANDEM_HOST: '127.0.0.1', TANDEM_PORT: '0', TANDEM_CONNECTOR: 'tcp', TANDEM_MODEL: '/models/m.gguf' }
  })
})

test('a secret reaches only the process that needs it', () => {
  const env = { TANDEM_API_KEY: 'inherited', PATH: '/bin' }
  const { gateway, scheduler, worker } = plan({}, env)
  expect(gateway.env).toMatchObject({ TANDEM_API_KEY: 'secret', PATH: '/bin' })
  expect(scheduler.env).not.toHaveProperty('TANDEM_API_KEY')
  expect(worker('attention-worker', 1).env).not.toHaveProperty('TANDEM_API_KEY')
  expect(scheduler.env['TANDEM_REDIS']).toBe('redis://localhost')
  expect(gateway.env).not.toHaveProperty('TANDEM_REDIS')
})

test('service flags reach every service', () => {
  const { gateway, scheduler } = plan({}, { TANDEM_NUM_UBATCHES: '4' })
  expect([gateway, scheduler].map(spec => spec.env['TANDEM_NUM_UBATCHES'])).toEqual(['2', '2'])
})
