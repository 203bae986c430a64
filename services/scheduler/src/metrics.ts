// Owns every metric of the scheduler: names, labels and where the numbers come from. Gauges and totals are
// read from the books when somebody asks; only step times are recorded as they come.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { StepResult__Output } from '@tandem/protocol'
import type { SchedulerCore } from './core/index.js'

/** Seconds; a step is 1 ms (small model, decode) to a minute (reference backend, full prefill). */
const STEP_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]
const MICROSECOND = 1e-6

export class SchedulerMetrics {
  readonly #registry = new Registry()
  readonly #stepSeconds: Histogram<'worker_id' | 'stage'>

  constructor (readonly core: SchedulerCore, private readonly numRefusedConnections: () => number) {
    this.#stepSeconds = new Histogram({
      name: 'tandem_scheduler_step_seconds',
      help: 'Time of a step by attention worker and stage: total, attention, ffn_wait, sample',
      labelNames: ['worker_id', 'stage'],
      buckets: STEP_BUCKETS,
      registers: [this.#registry]
    })
    this.#registerQueues()
    this.#registerTotals()
    this.#registerAttentionWorkers()
    this.#registerFfnWorkers()
  }

  get contentType (): string { return this.#registry.contentType }

  text (): Promise<string> { return this.#registry.metrics() }

  observeStep (workerId: string, result: StepResult__Output): void {
    if (result.error) return
    const observe = (stage: string, microseconds: number): void => {
      this.#stepSeconds.observe({ worker_id: workerId, stage }, microseconds * MICROSECOND)
    }
    observe('total', result.stepUs)
    observe('attention', result.attentionUs)
    observe('ffn_wait', result.ffnWaitUs)
    observe('sample', result.sampleUs)
  }

  forgetWorker (workerId: string): void {
    for (const stage of ['total', 'attention', 'ffn_wait', 'sample']) this.#stepSeconds.remove({ worker_id: workerId, stage })
  }

  #registerQueues (): void {
    const { books, ffn } = this.core
    this.#gauge('num_requests_waiting', 'Requests that no worker runs yet', () => books.waiting.size)
    this.#gauge('num_requests_running', 'Requests placed on an attention worker', () => books.numRunning)
    this.#gauge('topology_epoch', 'Epoch of the newest FFN topology', () => ffn.epoch)
    this.#gauge('ready', '1 when a request would be served', () => Number(this.core.servingState.ready))
  }

  #registerTotals (): void {
    const { counters } = this.core.books
    this.#counter('requests_total', 'Requests received', () => counters.numRequests)
    this.#counter('requests_rejected_total', 'Requests refused at admission', () => counters.numRejected)
    this.#counter('preemptions_total', 'Sequences put back because KV blocks ran out or their worker drained', () => counters.numPreemptions)
    this.#counter('readmissions_total', 'Sequences put back because their worker died or a step failed', () => counters.numReadmissions)
    this.#counter('steps_total', 'Step plans sent', () => counters.numSteps)
    this.#counter('steps_failed_total', 'Step plans that did not run', () => counters.numFailedSteps)
    this.#counter('prompt_tokens_total', 'Prompt tokens admitted', () => counters.numPromptTokens)
    this.#counter('cached_tokens_total', 'Prompt tokens found in the KV cache', () => counters.numCachedTokens)
    this.#counter('output_tokens_total', 'Output tokens sampled', () => counters.numOutputTokens)
    this.#counter('refused_connections_total', 'Connections to the port that did not speak gRPC', this.numRefusedConnections)
    this.#labelledCounter('requests_finished_total', 'Requests ended, by finish_reason', 'finish_reason',
      () => Object.entries(counters.numFinished))
  }

  #registerAttentionWorkers (): void {
    const { attention } = this.core.books
    const each = (name: string, help: string, read: (worker: NonNullable<ReturnType<typeof attention.get>>) => number): void => {
      this.#labelledGauge(name, help, () => [...attention].map(([workerId, worker]) => [workerId, read(worker)] as const))
    }
    each('kv_cache_usage', 'Share of KV blocks in use, 0 to 1', ({ blocks }) => blocks.usage)
    each('worker_sequences', 'Sequences placed on the worker', ({ running }) => running.length)
    each('plans_in_flight', 'Step plans without a result', ({ inFlight }) => inFlight.length)
    each('attention_frames_resent', 'a2f frames sent again after a topology change, since the worker started', ({ stats }) => stats?.framesResent ?? 0)
    each('attention_rss_bytes', 'Resident memory of the attention worker', ({ stats }) => stats?.rssBytes ?? 0)
  }

  #registerFfnWorkers (): void {
    const { workers } = this.core.ffn
    const each = (name: string, help: string, read: (worker: NonNullable<ReturnType<typeof workers.get>>) => number): void => {
      this.#labelledGauge(name, help, () => [...workers].map(([workerId, worker]) => [workerId, read(worker)] as const))
    }
    each('ffn_frames', 'Frames computed since the ffn worker started', ({ stats }) => stats?.numFrames ?? 0)
    each('ffn_batches', 'Layer executions since the ffn worker started', ({ stats }) => stats?.numBatches ?? 0)
    each('ffn_tokens', 'Token-layers computed since the ffn worker started', ({ stats }) => stats?.numTokens ?? 0)
    each('ffn_compute_seconds', 'Time spent computing since the ffn worker started', ({ stats }) => (stats?.computeUs ?? 0) * MICROSECOND)
    each('ffn_idle_seconds', 'Time spent waiting for frames since the ffn worker started', ({ stats }) => (stats?.idleUs ?? 0) * MICROSECOND)
    each('ffn_queue_length', 'Frames waiting', ({ stats }) => stats?.queueLength ?? 0)
    each('ffn_refused_frames', 'Frames refused since the ffn worker started', ({ stats }) =>
      Object.values(stats?.refused ?? {}).reduce((sum, count) => sum + count, 0))
    each('ffn_rss_bytes', 'Resident memory of the ffn worker', ({ stats }) => stats?.rssBytes ?? 0)
  }

  #gauge (name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `tandem_scheduler_${name}`, help, registers: [this.#registry], collect () { gauge.set(read()) }
    })
  }

  #counter (name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name: `tandem_scheduler_${name}`,
      help,
      registers: [this.#registry],
      collect () { counter.reset(); counter.inc(read()) }
    })
  }

  #labelledCounter (name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    const counter: Counter = new Counter({
      name: `tandem_scheduler_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect () { counter.reset(); for (const [value, count] of read()) counter.inc({ [label]: value }, count) }
    })
  }

  #labelledGauge (name: string, help: string, read: () => Iterable<readonly [string, number]>): void {
    const gauge: Gauge = new Gauge({
      name: `tandem_scheduler_${name}`,
      help,
      labelNames: ['worker_id'],
      registers: [this.#registry],
      collect () { gauge.reset(); for (const [workerId, value] of read()) gauge.set({ worker_id: workerId }, value) }
    })
  }
}
