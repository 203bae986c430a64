// Owns typed reads of a configuration (config.json or GGUF metadata): a key is read with the type and range it must have, or
// refused by name. It knows no key by itself.
import { modelError } from '../errors.js'

export interface NumberRule<Fallback> {
  readonly min?: number
  readonly max?: number
  /** Used when the key is absent or null; without it the key is required. */
  readonly fallback?: Fallback
}

/** More than any model has of anything; keeps products of two sizes exact. */
const maxSize = 2 ** 26

export class KeyReader {
  readonly #lookup: (key: string) => unknown

  /** `prefix` goes in front of keys in messages, for example "rope_scaling.". */
  constructor (readonly path: string, lookup: (key: string) => unknown, readonly prefix = '') {
    this.#lookup = lookup
  }

  /** undefined when absent or null. */
  raw (key: string): unknown {
    return this.#lookup(key) ?? undefined
  }

  has (key: string): boolean {
    return this.raw(key) !== undefined
  }

  /** A whole number in [min, max]; min is 1 unless given. */
  integer<Fallback = never> (key: string, rule: NumberRule<Fallback> = {}): number | Fallback {
    const { min = 1, max = maxSize } = rule
    const value = this.raw(key)
    if (value === undefined && 'fallback' in rule) return rule.fallback as Fallback
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw this.invalid(key, `a whole number from ${min} to ${max}`)
    }
    return value
  }

  /** A finite number in [min, max]. */
  number<Fallback = never> (key: string, rule: NumberRule<Fallback> = {}): number | Fallback {
    const { min = -Infinity, max = Infinity } = rule
    const value = this.raw(key)
    if (value === undefined && 'fallback' in rule) return rule.fallback as Fallback
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
      const range = max === Infinity ? (min === -Infinity ? 'a number' : `a number of at least ${min}`) : `a number from ${min} to ${max}`
      throw this.invalid(key, range)
    }
    return value
  }

  boolean (key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback
    if (typeof value !== 'boolean') throw this.invalid(key, 'true or false')
    return value
  }

  string (key: string, fallback?: string): string {
    const value = this.raw(key) ?? fallback
    if (typeof value !== 'string') throw this.invalid(key, 'a text')
    return value
  }

  /** A list of whole numbers of at least 0. */
  integerList (key: string, fallback: readonly number[]): readonly number[] {
    const value = this.raw(key) ?? fallback
    if (!Array.isArray(value) || !value.every(isIndex)) throw this.invalid(key, 'a list of whole numbers')
    return value
  }

  /** A nested object, or undefined. */
  record (key: string): KeyReader | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || Array.isArray(value)) throw this.invalid(key, 'an object')
    return new KeyReader(this.path, recordLookup(value as Record<string, unknown>), `${this.prefix}${key}.`)
  }

  /** Builds `config_key_invalid`. */
  invalid (key: string, expected: string): Error {
    return modelError('config_key_invalid', { path: this.path, key: this.prefix + key, expected, actual: describe(this.raw(key)) })
  }

  /** Builds `config_key_unsupported`. */
  unsupported (key: string, reason: string): Error {
    return modelError('config_key_unsupported', { path: this.path, key: this.prefix + key, actual: describe(this.raw(key)), reason })
  }
}

/** Own properties only: a key such as "constructor" is absent. */
export function recordLookup (record: Readonly<Record<string, unknown>>): (key: string) => unknown {
  return key => Object.hasOwn(record, key) ? record[key] : undefined
}

function isIndex (value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function describe (value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}
