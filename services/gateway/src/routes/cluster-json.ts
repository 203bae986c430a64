// Owns the JSON of GET /admin/v1/cluster: the Cluster message in snake_case, enums as plain words.
import type { Cluster__Output } from '@tandem/protocol'

const ENUM_PREFIX = /^(WORKER_ROLE|FFN_SPLIT)_/

export function clusterJson (cluster: Cluster__Output): unknown {
  return plain(cluster)
}

function plain (value: unknown): unknown {
  if (typeof value === 'string') return ENUM_PREFIX.test(value) ? value.replace(ENUM_PREFIX, '').toLowerCase() : value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value)
    // `_name` tells which optional field is set; an absent field tells the same.
    .filter(([key]) => !key.startsWith('_'))
    .map(([key, entry]) => [key.replace(/[A-Z]/g, letter => '_' + letter.toLowerCase()), plain(entry)]))
}
