// Owns NAME.partial: a file that grows by appended chunks, survives interruptions and knows the checksum of what it holds.
import type { Hash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { startChecksum, updateFromFile } from './checksums.js'
import { hubError, reasonOf } from './errors.js'
import type { RepositoryFile } from './repository.js'

export class PartialFile {
  readonly #handle: FileHandle
  readonly #path: string
  #hash: Hash
  #sizeBytes = 0

  private constructor (handle: FileHandle, path: string, readonly file: RepositoryFile) {
    this.#handle = handle
    this.#path = path
    this.#hash = startChecksum(file.checksum.algorithm, file.sizeBytes)
  }

  /**
   * Opens the partial file of `file` in `directory`, with what an earlier pull left in it.
   * @throws `hub_disk_full`, `hub_write_failed`, as every method here.
   */
  static async open (directory: string, file: RepositoryFile): Promise<PartialFile> {
    const path = join(directory, `${file.name}.partial`)
    const handle = await open(path, 'a').catch((error: unknown) => { throw writeError(file, error) })
    const partial = new PartialFile(handle, path, file)
    await partial.#guard(async () => {
      const { size } = await handle.stat()
      if (size > file.sizeBytes) return handle.truncate(0)
      await updateFromFile(partial.#hash, path, size)
      partial.#sizeBytes = size
    })
    return partial
  }

  /** Bytes held. */
  get sizeBytes (): number { return this.#sizeBytes }

  async append (chunk: Uint8Array): Promise<void> {
    await this.#guard(() => this.#handle.writeFile(chunk))
    this.#hash.update(chunk)
    this.#sizeBytes += chunk.length
  }

  /** Drops everything held. */
  async startOver (): Promise<void> {
    await this.#guard(() => this.#handle.truncate(0))
    this.#hash = startChecksum(this.file.checksum.algorithm, this.file.sizeBytes)
    this.#sizeBytes = 0
  }

  /** Checksum of what is held, as the hub states it for the whole file. */
  checksum (): string {
    return this.#hash.copy().digest('hex')
  }

  /** Gives the file its name. It is on disk before that. */
  async complete (directory: string): Promise<void> {
    await this.#guard(async () => {
      await this.#handle.sync()
      await rename(this.#path, join(directory, this.file.name))
    })
  }

  async remove (): Promise<void> {
    await rm(this.#path, { force: true })
  }

  async close (): Promise<void> {
    await this.#handle.close()
  }

  async #guard (work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => { throw writeError(this.file, error) })
  }
}

function writeError (file: RepositoryFile, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  if (isFull) return hubError('hub_disk_full', { file: file.path, neededBytes: file.sizeBytes, availableBytes: 'too few' }, error)
  return hubError('hub_write_failed', { file: file.path, reason: reasonOf(error) }, error)
}
