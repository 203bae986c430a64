import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { addProcessMetrics } from '../../src/metrics/process-metrics.js'

async function valuesOf (registry: Registry): Promise<Map<string, number>> {
  const metrics = await registry.getMetricsAsJSON()
  return new Map(metrics.map(({ name, values }) => [name.replace('tandem_gateway_', ''), values[0]!.value]))
}

test('tells what the process uses, in seconds and bytes, read when asked', async () => {
  const registry = new Registry()
  addProcessMetrics(registry)
  const first = await valuesOf(registry)
  expect(first.size).toBeGreaterThanOrEqual(9)
  for (const [name, value] of first) expect(value, name).toBeGreaterThan(0)
  expect(Math.abs(first.get('process_start_time_seconds')! + process.uptime() - Date.now() / 1000)).toBeLessThan(60)
  expect(first.get('nodejs_heap_size_used_bytes')).toBeLessThanOrEqual(first.get('nodejs_heap_size_total_bytes')!)
  const second = await valuesOf(registry)
  for (const name of ['process_cpu_user_seconds_total', 'process_cpu_system_seconds_total', 'nodejs_eventloop_busy_seconds_total']) {
    expect(second.get(name), name).toBeGreaterThanOrEqual(first.get(name)!)
  }
})
