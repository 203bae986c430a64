// Owns every key we use in Redis. The braces keep all of a cluster's keys in one slot of Redis Cluster.
import type { PlacementKind } from './types.js'

export class RedisKeys {
  readonly #prefix: string

  constructor (namespace: string) { this.#prefix = `{${namespace}}` }

  /** Set of worker ids; may name some whose lease ended. */
  workers (): string { return `${this.#prefix}:workers` }
  /** JSON of a WorkerRecord; its expiry is the lease. */
  worker (workerId: string): string { return `${this.#prefix}:worker:${workerId}` }
  /** Set of block hashes or request ids; expires with the lease. */
  placement (kind: PlacementKind, workerId: string): string { return `${this.#prefix}:${kind}s:${workerId}` }
  /** Integer. */
  epoch (): string { return `${this.#prefix}:epoch` }
}
