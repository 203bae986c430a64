// Owns what the gateway tells about its own process. Everything is read when somebody asks: prom-client's default metrics keep a
// 10 ms timer for the lag of the event loop, which was most of what an idle gateway cost.
import { readdir } from 'node:fs/promises'
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

const MICROSECOND = 1e-6
const MILLISECOND = 1e-3

/** Names and units are prom-client's where it has the metric. */
export function addProcessMetrics (registry: Registry): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    const metric: Gauge = new Gauge({ name: `tandem_gateway_${name}`, help, registers, async collect () { metric.set(await read()) } })
  }
  const counter = (name: string, help: string, read: () => number): void => {
    const metric: Counter = new Counter({
      name: `tandem_gateway_${name}`, help, registers, collect () { metric.reset(); metric.inc(read()) }
    })
  }
  counter('process_cpu_user_seconds_total', 'User CPU time of the process.', () => process.cpuUsage().user * MICROSECOND)
  counter('process_cpu_system_seconds_total', 'System CPU time of the process.', () => process.cpuUsage().system * MICROSECOND)
  gauge('process_start_time_seconds', 'Start of the process since the Unix epoch.', () => performance.timeOrigin * MILLISECOND)
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap.', () => process.memoryUsage().heapTotal)
  gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap.', () => process.memoryUsage().heapUsed)
  gauge('nodejs_external_memory_bytes', 'Memory of objects outside the JavaScript heap.', () => process.memoryUsage().external)
  counter('nodejs_eventloop_busy_seconds_total', 'Time the event loop was busy: its rate is near 1 when the gateway is the bottleneck.',
    () => performance.eventLoopUtilization().active * MILLISECOND)
  gauge('nodejs_active_resources_total', 'Sockets, timers and requests that keep the event loop alive.', () => process.getActiveResourcesInfo().length)
  if (process.platform === 'linux') gauge('process_open_fds', 'Open file descriptors.', countOpenFds)
}

async function countOpenFds (): Promise<number> {
  // Without the one that reads the folder.
  return (await readdir('/proc/self/fd')).length - 1
}
