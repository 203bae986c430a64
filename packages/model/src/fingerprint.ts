// Owns the identity of a checkpoint: workers of one cluster must have opened the same one.
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { ModelConfig } from './model-config.js'
import type { TensorTable } from './weights/stored-tensor.js'

/**
 * sha256 (hex) over the config and the tensor table: names, formats, shapes, file names and places. It reads no weight, so
 * two checkpoints that differ in weights alone share it; machine paths do not enter.
 */
export function fingerprintOf (config: ModelConfig, tensors: TensorTable): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify({ ...config, rope: { ...config.rope, invFreq: [...config.rope.invFreq] } }, sortedKeys))
  for (const name of [...tensors.keys()].sort()) {
    const tensor = tensors.get(name)
    if (tensor === undefined) continue
    const { storedDtype, shape, path, offset, byteLength } = tensor
    hash.update(`\n${JSON.stringify([name, storedDtype, shape, basename(path), offset, byteLength])}`)
  }
  return hash.digest('hex')
}

/** JSON.stringify replacer: the order in which an object was built must not count. */
function sortedKeys (_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
}
