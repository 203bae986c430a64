// Owns the command line's calls to the scheduler: deadlines, and errors as one line.
import { status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { createSchedulerClient } from '@tandem/protocol'
import type { Cluster__Output, SchedulerClient, SetScaleResponse__Output } from '@tandem/protocol'
import { cliErrors } from '../errors.js'

type Respond<T> = (error: ServiceError | null, response?: T) => void

export interface Scale {
  readonly attention?: number
  readonly ffn?: number
}

export class ClusterClient {
  readonly scheduler: SchedulerClient

  constructor (readonly address: string, readonly clusterToken: string) {
    this.scheduler = createSchedulerClient(address, clusterToken)
  }

  getCluster (timeoutMs = 5_000): Promise<Cluster__Output> {
    return this.call<Cluster__Output>(respond => this.scheduler.getCluster({}, { deadline: Date.now() + timeoutMs }, respond))
  }

  /** `force`: beyond what the launcher's machine has use for. */
  setScale (scale: Scale, force: boolean, timeoutMs = 10_000): Promise<SetScaleResponse__Output> {
    return this.call<SetScaleResponse__Output>(respond => this.scheduler.setScale({ ...scale, force }, { deadline: Date.now() + timeoutMs }, respond))
  }

  async drainWorker (workerId: string, timeoutMs = 120_000): Promise<void> {
    await this.call(respond => this.scheduler.drainWorker({ workerId }, { deadline: Date.now() + timeoutMs }, respond))
  }

  close (): void { this.scheduler.close() }

  private call<T> (start: (respond: Respond<T>) => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, response) => {
        if (error) reject(this.translate(error))
        else resolve(response as T)
      })
    })
  }

  private translate (error: ServiceError): TandemError {
    const unreachable = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED
    const reason = error.details.split('\n')[0] ?? ''
    if (!unreachable) return makeError(cliErrors, 'scheduler_refused', { reason }, { cause: error })
    return makeError(cliErrors, 'scheduler_unreachable', { address: this.address, reason: shortReason(reason) }, { cause: error })
  }
}

function shortReason (details: string): string {
  if (details.includes('ECONNREFUSED')) return 'connection refused'
  if (details.includes('ENOTFOUND') || details.includes('Name resolution failed')) return 'no such host'
  return details === '' ? 'no answer' : details
}
