// Owns typed access to the `tokenizer.*` keys of GGUF metadata.
import { makeError } from '@tandem/core'
import { tokenizerErrors } from '../errors.js'

export type GgufMetadata = ReadonlyMap<string, unknown>

export function stringAt (metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata.get(key)
  return typeof value === 'string' ? value : undefined
}

export function booleanAt (metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(key)
  return typeof value === 'boolean' ? value : undefined
}

export function numberAt (metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key)
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
}

/** Throws `tokenizer_corrupt` when the key is missing or not an array of strings. */
export function stringsAt (metadata: GgufMetadata, key: string): readonly string[] {
  const value = metadata.get(key)
  if (Array.isArray(value) && value.every(entry => typeof entry === 'string')) return value
  const reason = value === undefined ? 'is missing' : 'is not an array of strings'
  throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source: key, reason })
}

/** A plain or typed array of numbers; undefined when absent. */
export function numbersAt (metadata: GgufMetadata, key: string): ArrayLike<number> | undefined {
  const value = metadata.get(key)
  if (value === undefined) return undefined
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value)) return value as unknown as ArrayLike<number>
  throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source: key, reason: 'is not an array of numbers' })
}
