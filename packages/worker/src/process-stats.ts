// Owns the figures every worker process reports about itself.
import type { WorkerStatsMessage } from '@tandem/protocol'

export function processStats (): Pick<WorkerStatsMessage, 'rssBytes' | 'cpuSeconds'> {
  const { user, system } = process.cpuUsage()
  return { rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 }
}
