// Owns what the app is built from; start.ts makes the real ones, tests make their own.
import type { SchedulerClient } from '@tandem/protocol'
import type { Tokenizer } from '@tandem/tokenizer'
import type { Logger } from 'pino'
import type { GatewayMetrics } from './metrics/metrics.js'
import type { GatewayOptions } from './options.js'
import type { SchedulerLink } from './scheduler/scheduler-link.js'

/** What the gateway knows of the model: nothing of its weights. */
export interface ServedModel {
  readonly name: string
  readonly vocabSize: number
  readonly eosTokenIds: readonly number[]
}

export interface GatewayDependencies {
  readonly options: Pick<GatewayOptions, 'apiKey' | 'maxBodyBytes' | 'maxChoices' | 'maxInFlight' | 'maxBufferedBytes'>
  readonly logger: Logger
  readonly model: ServedModel
  readonly tokenizer: Tokenizer
  readonly link: SchedulerLink
  /** For unary calls; the link has its own stream on it. */
  readonly scheduler: SchedulerClient
  readonly metrics: GatewayMetrics
  /** Milliseconds that only grow. */
  readonly nowMs: () => number
  /** Wall clock, for `created`. */
  readonly now: () => Date
}
