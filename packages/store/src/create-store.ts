// Owns the choice between the stores.
import { MemoryStore } from './memory-store.js'
import { RedisStore } from './redis-store.js'
import type { Store } from './types.js'

export interface StoreOptions {
  /** redis:// URL; empty keeps everything in memory. */
  readonly redis: string
  readonly namespace?: string
}

/** Throws `store_url_invalid`. */
export function createStore ({ redis, namespace = 'tandem' }: StoreOptions): Store {
  return redis === '' ? new MemoryStore() : new RedisStore({ url: redis, namespace })
}
