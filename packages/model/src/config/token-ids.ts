// Owns reading bos and eos ids, which configs write as a number, a list, null or -1.
import type { KeyReader } from './key-reader.js'

/**
 * The ids under `keys` in all `sources`, in order and without repeats. null, -1 and absent are no id.
 * @throws `config_key_invalid` for anything that is not an id below `vocabSize`.
 */
export function readTokenIds (sources: ReadonlyArray<KeyReader | undefined>, keys: readonly string[], vocabSize: number): number[] {
  const ids = new Set<number>()
  for (const source of sources) {
    for (const key of keys) {
      const value: unknown = source?.raw(key)
      const list: unknown[] = Array.isArray(value) ? value : [value]
      for (const id of list) {
        if (id === undefined || id === null || id === -1) continue
        const isId = typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize
        if (!isId) throw source?.invalid(key, `a token id below ${vocabSize}`)
        ids.add(id)
      }
    }
  }
  return [...ids]
}
