// Owns the gateway's metrics: names, units, buckets. One registry per app, nothing global.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { addProcessMetrics } from './process-metrics.js'

/** How a request to a generating endpoint ended. */
export type Outcome = 'ok' | 'rejected' | 'overloaded' | 'unavailable' | 'error' | 'client_gone' | 'client_slow'

export interface GatewayMetrics {
  readonly registry: Registry
  readonly ttft: Histogram
  readonly itl: Histogram
  readonly tpot: Histogram
  readonly e2e: Histogram
  readonly requests: Counter<'endpoint' | 'outcome'>
  readonly inFlight: Gauge
  readonly promptTokens: Counter
  readonly cachedTokens: Counter
  readonly outputTokens: Counter
}

// Seconds. Time to first token and whole requests span queueing and long prompts; gaps between tokens do not.
const LONG = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export function createMetrics (options: { readonly processMetrics: boolean }): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[]) => new Histogram({ name, help, buckets, registers })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  if (options.processMetrics) addProcessMetrics(registry)
  return {
    registry,
    ttft: histogram('tandem_gateway_ttft_seconds', 'Time to first token of a sequence.', LONG),
    itl: histogram('tandem_gateway_itl_seconds', 'Time between two steps that gave a sequence tokens.', SHORT),
    tpot: histogram('tandem_gateway_tpot_seconds', 'Mean time per output token of a sequence after the first.', SHORT),
    e2e: histogram('tandem_gateway_e2e_seconds', 'Time from request to last token of a sequence.', LONG),
    requests: new Counter({
      name: 'tandem_gateway_requests_total', help: 'Requests by endpoint and outcome.', labelNames: ['endpoint', 'outcome'] as const, registers
    }),
    inFlight: new Gauge({ name: 'tandem_gateway_requests_in_flight', help: 'Requests being generated.', registers }),
    promptTokens: counter('tandem_gateway_prompt_tokens_total', 'Prompt tokens submitted.'),
    cachedTokens: counter('tandem_gateway_cached_tokens_total', 'Prompt tokens found in the KV cache.'),
    outputTokens: counter('tandem_gateway_output_tokens_total', 'Tokens generated.')
  }
}
