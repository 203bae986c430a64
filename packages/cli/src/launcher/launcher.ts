// Owns the processes of one cluster: four pools, the order in which they start and end. What to run is the plan's, how many
// the scheduler's decision.
import type { ManagedProcess } from './managed-process.js'
import type { ClusterPlan } from './plan.js'
import type { RestartPolicy } from './restart-policy.js'
import { WorkerPool } from './worker-pool.js'
import type { PoolEvents } from './worker-pool.js'
import type { WorkerCounts } from '../cluster/launcher-link.js'

export interface LauncherTimes {
  /** A worker that is scaled away finishes or hands over its work and leaves in this time. */
  readonly leaveMs: number
  /** The gateway answers its open requests in this time at the end. */
  readonly gatewayMs: number
  /** The others at the end. */
  readonly stopMs: number
}

export class Launcher {
  private readonly scheduler: WorkerPool
  private readonly gateway: WorkerPool
  private readonly attention: WorkerPool
  private readonly ffn: WorkerPool

  constructor (
    plan: ClusterPlan, events: PoolEvents,
    private readonly times: LauncherTimes, policy?: RestartPolicy
  ) {
    const shared = { events, ...(policy === undefined ? {} : { policy }) }
    this.scheduler = new WorkerPool({ specOf: () => plan.scheduler, ...shared })
    this.gateway = new WorkerPool({ specOf: () => plan.gateway, ...shared })
    this.attention = new WorkerPool({ specOf: number => plan.worker('attention-worker', number), ...shared })
    this.ffn = new WorkerPool({ specOf: number => plan.worker('ffn-worker', number), ...shared })
  }

  get counts (): WorkerCounts { return { attention: this.attention.size, ffn: this.ffn.size } }

  get processes (): readonly ManagedProcess[] {
    return [this.scheduler, this.attention, this.ffn, this.gateway].flatMap(pool => pool.processes)
  }

  async start (counts: WorkerCounts): Promise<void> {
    await this.scheduler.scaleTo(1, 0)
    await this.scaleTo(counts)
    await this.gateway.scaleTo(1, 0)
  }

  /** Resolves when the surplus workers are gone; new ones are only started. */
  async scaleTo (counts: WorkerCounts): Promise<void> {
    await Promise.all([
      this.attention.scaleTo(counts.attention, this.times.leaveMs),
      this.ffn.scaleTo(counts.ffn, this.times.leaveMs)
    ])
  }

  /**
   * Gateway first, so that open streams are answered while workers still run; ffn workers last: an attention worker finishes the step
   * it is in, and that step would wait for them.
   */
  async stop (): Promise<void> {
    await this.gateway.close(this.times.gatewayMs)
    await Promise.all([this.attention, this.scheduler].map(pool => pool.close(this.times.stopMs)))
    await this.ffn.close(this.times.stopMs)
  }

  kill (): void {
    for (const pool of [this.gateway, this.attention, this.ffn, this.scheduler]) pool.kill()
  }
}
