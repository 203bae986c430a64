// Owns what the command line knows about the services: their names, option tables and entry points. Tables are
// imported on demand and without the services, so that no command waits for an HTTP server or an engine to load.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { OptionTable } from '@tandem/core'

export const serviceNames = ['gateway', 'scheduler', 'attention-worker', 'ffn-worker'] as const
export type ServiceName = typeof serviceNames[number]

export const serviceSummaries: Readonly<Record<ServiceName, string>> = {
  gateway: 'OpenAI-compatible HTTP front',
  scheduler: 'admission, batching, worker membership and topology',
  'attention-worker': 'attention layers, KV cache and sampling',
  'ffn-worker': 'feed-forward layers (dense and experts)'
}

export async function loadOptionTable (service: ServiceName): Promise<OptionTable> {
  switch (service) {
    case 'gateway': return (await import('@tandem/gateway/options')).gatewayOptions
    case 'scheduler': return (await import('@tandem/scheduler/options')).schedulerOptions
    case 'attention-worker': return (await import('@tandem/attention-worker/options')).attentionWorkerOptions
    case 'ffn-worker': return (await import('@tandem/ffn-worker/options')).ffnWorkerOptions
  }
}

export type OptionTables = Readonly<Partial<Record<ServiceName, OptionTable>>>

export async function loadOptionTables (services: readonly ServiceName[]): Promise<OptionTables> {
  return Object.fromEntries(await Promise.all(services.map(async name => [name, await loadOptionTable(name)] as const)))
}

/** Path of the built main.js of a service: runnable with TANDEM_* variables alone. */
export function serviceEntry (service: ServiceName): string {
  return join(dirname(createRequire(import.meta.url).resolve(`@tandem/${service}`)), 'main.js')
}
