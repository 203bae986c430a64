// Owns a bounded set of open files: a checkpoint may have hundreds of shards, a process only so many descriptors.
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { modelError } from '../errors.js'
import { reasonOf } from './file-bytes.js'

interface Entry { readonly opening: Promise<FileHandle>, numUsers: number }

export class FileHandles {
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>()

  /** At most `limit` idle files stay open; files in use are never closed. */
  constructor (readonly limit: number) {}

  /** Runs `use` with the file open for reading. Throws `model_file_unreadable` when it cannot be opened. */
  async with<T> (path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? { opening: open(path, 'r'), numUsers: 0 }
    this.#entries.delete(path)
    this.#entries.set(path, entry)
    entry.numUsers++
    try {
      return await use(await this.#opened(path, entry))
    } finally {
      entry.numUsers--
      await this.#closeIdle(this.limit)
    }
  }

  /** Closes every idle file. */
  async close (): Promise<void> {
    await this.#closeIdle(0)
  }

  async #opened (path: string, entry: Entry): Promise<FileHandle> {
    try {
      return await entry.opening
    } catch (error) {
      if (this.#entries.get(path) === entry) this.#entries.delete(path)
      throw modelError('model_file_unreadable', { path, reason: reasonOf(error) }, error)
    }
  }

  async #closeIdle (limit: number): Promise<void> {
    for (const [path, entry] of this.#entries) {
      if (this.#entries.size <= limit) return
      if (entry.numUsers > 0) continue
      this.#entries.delete(path)
      await (await entry.opening).close()
    }
  }
}
