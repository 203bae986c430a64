// Owns a whole cluster in one process for tests: a scheduler, attention and FFN workers (of the reference backend unless told
// otherwise) on real sockets (loopback host), and a client that speaks token ids. No gateway: tiny models have no tokenizer.
import { parseOptions } from '@tandem/core'
import type { FfnSplit } from '@tandem/core'
import { attentionWorkerOptions, startAttentionWorker } from '@tandem/attention-worker'
import { ffnWorkerOptions, startFfnWorker } from '@tandem/ffn-worker'
import { createSchedulerClient } from '@tandem/protocol'
import type { Cluster__Output, SchedulerClient } from '@tandem/protocol'
import { schedulerOptions, startScheduler } from '@tandem/scheduler'
import type { RunningScheduler } from '@tandem/scheduler'
import type { RunningWorker } from '@tandem/worker'
import { pino } from 'pino'
import { TokenClient } from './token-client.js'

export interface ClusterShape {
  readonly model: string
  readonly attention: number
  /** 0 computes the FFN side inside the attention workers (connector loopback). */
  readonly ffn: number
  readonly numUbatches?: number
  readonly ffnSplit?: FfnSplit
  readonly connector?: 'auto' | 'shm' | 'tcp' | 'grpc'
  /** Of the attention workers, when it differs. */
  readonly attentionConnector?: 'auto' | 'shm' | 'tcp' | 'grpc'
  readonly backend?: 'reference' | 'cpu'
  readonly activationDtype?: 'f32' | 'bf16' | 'fp8_e4m3'
  readonly maxNumBatchedTokens?: number
  /** Bytes of each attention worker's KV cache. */
  readonly kvCacheBytes?: number
  readonly ffnInstanceSize?: number
  readonly maxModelLen?: number
}

export class InProcessCluster {
  readonly attentionWorkers: RunningWorker[] = []
  readonly ffnWorkers: RunningWorker[] = []
  readonly client: TokenClient
  readonly #admin: SchedulerClient

  private constructor (private readonly shape: ClusterShape, private readonly scheduler: RunningScheduler) {
    this.client = new TokenClient(scheduler.address)
    this.#admin = createSchedulerClient(scheduler.address, '')
  }

  /** Starts everything and waits until a request would be served by every worker. */
  static async start (shape: ClusterShape): Promise<InProcessCluster> {
    const flags = {
      port: 0,
      topologySettleMs: 0,
      heartbeatIntervalMs: 50,
      numUbatches: shape.numUbatches ?? 3,
      ffnSplit: shape.ffnSplit ?? 'ep',
      ffnInstanceSize: shape.ffnInstanceSize ?? 0,
      maxNumBatchedTokens: shape.maxNumBatchedTokens ?? 512
    }
    const scheduler = await startScheduler(parseOptions(schedulerOptions, { flags }), { logger })
    const cluster = new InProcessCluster(shape, scheduler)
    try {
      for (let rank = 0; rank < shape.ffn; rank++) await cluster.addFfnWorker()
      for (let rank = 0; rank < shape.attention; rank++) await cluster.addAttentionWorker()
      await cluster.settled()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async addFfnWorker (): Promise<RunningWorker> {
    const worker = await startFfnWorker(parseOptions(ffnWorkerOptions, { flags: this.#workerFlags() }), { logger })
    this.ffnWorkers.push(worker)
    return worker
  }

  async addAttentionWorker (): Promise<RunningWorker> {
    const flags = {
      ...this.#workerFlags(),
      ...(this.shape.attentionConnector === undefined ? {} : { connector: this.shape.attentionConnector }),
      ...(this.shape.ffn === 0 ? { connector: 'loopback', ffnSplit: this.shape.ffnSplit ?? 'ep' } : {}),
      activationDtype: this.shape.activationDtype ?? 'f32',
      kvCacheBytes: this.shape.kvCacheBytes ?? 4 * 1024 * 1024,
      maxModelLen: this.shape.maxModelLen ?? 0,
      ffnTimeoutMs: 20_000
    }
    const worker = await startAttentionWorker(parseOptions(attentionWorkerOptions, { flags }), { logger })
    this.attentionWorkers.push(worker)
    return worker
  }

  /** Ends a worker without a goodbye to the scheduler, as a crash does to everybody else. */
  async kill (worker: RunningWorker): Promise<void> {
    for (const pool of [this.attentionWorkers, this.ffnWorkers]) {
      const index = pool.indexOf(worker)
      if (index >= 0) pool.splice(index, 1)
    }
    await worker.close()
  }

  /** Resolves when all workers are ready and the FFN workers hold a common, complete topology. */
  async settled (): Promise<Cluster__Output> {
    for (;;) {
      const cluster = await this.status()
      const ready = cluster.workers.filter(worker => worker.state === 'ready')
      const count = this.attentionWorkers.length + this.ffnWorkers.length
      if (cluster.state?.ready === true && ready.length === count && cluster.workers.length === count) return cluster
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  status (): Promise<Cluster__Output> {
    return new Promise((resolve, reject) => {
      this.#admin.getCluster({}, (error, cluster) => { if (cluster) resolve(cluster); else reject(error ?? new Error('no answer')) })
    })
  }

  async close (): Promise<void> {
    this.client.close()
    this.#admin.close()
    await Promise.all([...this.attentionWorkers, ...this.ffnWorkers].map(worker => worker.close()))
    await this.scheduler.close()
  }

  #workerFlags (): Record<string, unknown> {
    const { model, backend = 'reference', connector = 'tcp' } = this.shape
    return { schedulerAddress: this.scheduler.address, model, backend, connector }
  }
}

const logger = pino({ level: process.env['TANDEM_TEST_LOG'] ?? 'silent' })
