import { expect, test } from 'vitest'
import { SchedulerMetrics } from '../src/metrics.js'
import { CoreDriver } from './support/core-driver.js'

test('shows queues, totals and each worker, and forgets workers that left', async () => {
  const driver = new CoreDriver()
  const metrics = new SchedulerMetrics(driver.core, () => 3)
  driver.attention('a')
  driver.ffn('f')
  driver.post({ type: 'heartbeat', workerId: 'f' })
  driver.generate({ requestId: 'r', promptTokenIds: [1, 2, 3, 4, 5], maxTokens: 2 })
  const plan = driver.plans.get('a')![0]!
  expect(plan.scheduled).toHaveLength(1)
  const text = await metrics.text()
  expect(text).toContain('tandem_scheduler_num_requests_running 1')
  expect(text).toContain('tandem_scheduler_num_requests_waiting 0')
  expect(text).toContain('tandem_scheduler_refused_connections_total 3')
  expect(text).toContain('tandem_scheduler_kv_cache_usage{worker_id="a"} 0.03125')
  expect(text).toContain('tandem_scheduler_plans_in_flight{worker_id="a"} 2')
  expect(text).toContain('tandem_scheduler_ffn_queue_length{worker_id="f"} 0')
  metrics.observeStep('a', { stepId: 1, sampled: [], promptLogprobs: [], stepUs: 3000, attentionUs: 1000, ffnWaitUs: 500, sampleUs: 10 })
  metrics.observeStep('a', {
    stepId: 2, sampled: [], promptLogprobs: [], stepUs: 0, attentionUs: 0, ffnWaitUs: 0, sampleUs: 0, error: { code: 'x', message: 'x', retryable: true }
  })
  driver.runDry()
  const later = await metrics.text()
  expect(later).toContain('tandem_scheduler_step_seconds_sum{worker_id="a",stage="ffn_wait"} 0.0005')
  expect(later).toContain('tandem_scheduler_step_seconds_count{worker_id="a",stage="total"} 1')
  expect(later).toContain('tandem_scheduler_requests_finished_total{finish_reason="length"} 1')
  expect(later).toContain('tandem_scheduler_output_tokens_total 2')
  driver.lose('a')
  metrics.forgetWorker('a')
  expect(await metrics.text()).not.toContain('worker_id="a"')
})
