// Owns the scheduler's options: one table for flags, TANDEM_* variables and defaults.
import { defineOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'

export const schedulerOptions = defineOptions({
  host: { type: 'string', default: '127.0.0.1', description: 'address to listen on' },
  port: { type: 'integer', default: 8001, min: 0, max: 65535, description: 'gRPC port, 0 picks a free one' },
  redis: { type: 'string', default: '', description: 'redis:// URL of the store; empty keeps it in memory' },
  clusterToken: { type: 'string', default: '', secret: true, description: 'token every member shows; required unless host is loopback' },
  maxNumSeqs: { type: 'integer', default: 64, min: 1, max: 4096, description: 'sequences that run at once on one attention worker' },
  maxNumBatchedTokens: { type: 'integer', default: 512, min: 1, max: 65_536, description: 'tokens of one step, prefill and decode together' },
  maxWaiting: { type: 'integer', default: 1024, min: 1, description: 'new requests that may wait before others are answered "overloaded"' },
  numUbatches: { type: 'integer', default: 3, min: 1, max: 16, description: 'ubatches a step is split into' },
  ffnSplit: { type: 'string', default: 'ep', choices: ['ep', 'tp'], description: 'how MoE layers are cut over ffn workers: by expert or by intermediate dimension' },
  ffnInstanceSize: { type: 'integer', default: 0, min: 0, max: 8, description: 'ffn workers per instance; 0 puts all in one instance (at most 8 in each)' },
  heartbeatIntervalMs: { type: 'integer', default: 1000, min: 10, description: 'ms between heartbeats of a worker' },
  heartbeatTimeoutMs: { type: 'integer', default: 15_000, min: 20, description: 'ms of silence after which a worker is dead' },
  requestTimeoutMs: { type: 'integer', default: 60_000, min: 1, description: 'ms a request may go without a worker that can run it before it fails' },
  stepRetryMs: { type: 'integer', default: 200, min: 1, description: 'ms an attention worker rests after a failed step' },
  topologySettleMs: { type: 'integer', default: 250, min: 0, description: 'ms to wait for more ffn workers to join before shards are assigned' },
  topologyTimeoutMs: { type: 'integer', default: 10_000, min: 1, description: 'ms to wait for attention workers to take a topology before older epochs are retired' },
  drainTimeoutMs: { type: 'integer', default: 10_000, min: 0, description: 'ms a draining attention worker keeps its sequences before they move' },
  maxBufferedEvents: { type: 'integer', default: 65_536, min: 1, description: 'events kept for a gateway that reads too slowly before it is cut off' },
  logLevel: { type: 'string', default: 'info', choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], description: 'lowest level that is logged' }
})

export type SchedulerOptions = OptionsOf<typeof schedulerOptions>

/** What the pure core needs to know of the options. */
export type CoreOptions = Pick<SchedulerOptions,
  'maxNumSeqs' | 'maxNumBatchedTokens' | 'maxWaiting' | 'numUbatches' | 'ffnSplit' | 'ffnInstanceSize' | 'heartbeatIntervalMs' |
  'heartbeatTimeoutMs' | 'requestTimeoutMs' | 'stepRetryMs' | 'topologySettleMs' | 'topologyTimeoutMs' | 'drainTimeoutMs'>
