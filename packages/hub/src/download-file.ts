// Owns bringing one file to disk: into NAME.partial, from where an earlier attempt stopped, checked, then renamed. A file under its own
// name is whole and verified.
import { open, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isTandemError } from '@tandem/core'
import { startChecksum, updateFromFile } from './checksums.js'
import { hubError, reasonOf } from './errors.js'
import type { HubClient, HubRequest } from './hub-client.js'
import type { RepositoryFile } from './repository.js'
import { TransientFailure, withRetries } from './retry.js'
import type { RetryPolicy } from './retry.js'

export interface DownloadFileOptions {
  readonly client: HubClient
  readonly directory: string
  readonly request: HubRequest
  readonly retry: RetryPolicy
  /** Bytes of this file on disk now; may go back when a damaged part is dropped. */
  readonly onBytes: (doneBytes: number) => void
}

type FetchOptions = Pick<DownloadFileOptions, 'client' | 'request' | 'onBytes'>

/**
 * Downloads `file` into `directory`.
 * @throws `hub_checksum_mismatch`, `hub_disk_full`, `hub_write_failed`, and what HubClient throws.
 */
export async function downloadFile (file: RepositoryFile, options: DownloadFileOptions): Promise<void> {
  const { directory, retry, request, onBytes } = options
  const partialPath = join(directory, `${file.name}.partial`)
  let doneBytes = await sizeOf(partialPath)
  const wasResumed = doneBytes > 0
  onBytes(Math.min(doneBytes, file.sizeBytes))
  const fetchOptions: FetchOptions = { ...options, onBytes: bytes => { doneBytes = bytes; onBytes(bytes) } }
  const fetchAll = (): Promise<void> =>
    withRetries(retry, request.signal, () => fetchRest(file, partialPath, fetchOptions), () => doneBytes)

  await fetchAll()
  let actual = await checksumOf(file, partialPath)
  if (actual !== file.checksum.hex && wasResumed) {
    // The part that was already here may be another version's: once more from the start.
    await rm(partialPath, { force: true })
    doneBytes = 0
    await fetchAll()
    actual = await checksumOf(file, partialPath)
  }
  if (actual !== file.checksum.hex) {
    await rm(partialPath, { force: true })
    const { algorithm, hex: expected } = file.checksum
    throw hubError('hub_checksum_mismatch', { file: file.path, algorithm, actual, expected })
  }
  await rename(partialPath, join(directory, file.name))
}

/** Checksum of the file at `path` as the hub would state it. */
export async function checksumOf (file: RepositoryFile, path: string): Promise<string> {
  const hash = startChecksum(file.checksum.algorithm, file.sizeBytes)
  await updateFromFile(hash, path, file.sizeBytes)
  return hash.digest('hex')
}

/** Appends what is missing of the partial file. Throws TransientFailure when the stream ends early. */
async function fetchRest (file: RepositoryFile, partialPath: string, options: FetchOptions): Promise<void> {
  const { onBytes } = options
  const handle = await open(partialPath, 'a+').catch((error: unknown) => { throw writeError(file, error) })
  try {
    let position = (await handle.stat()).size
    if (position > file.sizeBytes) position = await startOver(handle)
    onBytes(position)
    if (position === file.sizeBytes) return
    const headers = position > 0 ? { range: `bytes=${position}-` } : {}
    const response = await options.client.get({ ...options.request, headers })
    if (!continuesAt(response, position)) {
      position = await startOver(handle)
      if (response.status !== 200) {
        await response.body?.cancel()
        throw new TransientFailure(hubError('hub_unavailable', { host: options.client.host, file: file.path, reason: 'it answered another range' }))
      }
    }
    await append(handle, position, response, file, options)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** True when the response's first byte belongs at `position`. */
function continuesAt (response: Response, position: number): boolean {
  if (response.status === 206) return response.headers.get('content-range')?.startsWith(`bytes ${position}-`) === true
  return response.status === 200 && position === 0
}

async function startOver (handle: FileHandle): Promise<number> {
  await handle.truncate(0)
  return 0
}

async function append (handle: FileHandle, start: number, response: Response, file: RepositoryFile, options: FetchOptions): Promise<void> {
  let position = start
  const stopped = (reason: string, cause?: unknown): TransientFailure =>
    new TransientFailure(hubError('hub_unavailable', { host: options.client.host, file: file.path, reason }, cause))
  try {
    for await (const chunk of response.body ?? []) {
      if (position + chunk.length > file.sizeBytes) throw stopped(`it sent more than ${file.sizeBytes} bytes`)
      await handle.writeFile(chunk).catch((error: unknown) => { throw writeError(file, error) })
      position += chunk.length
      options.onBytes(position)
    }
  } catch (error) {
    // What is left is the stream's own: the connection broke.
    if (options.request.signal.aborted || error instanceof TransientFailure || isTandemError(error)) throw error
    throw stopped(reasonOf(error), error)
  }
  if (position < file.sizeBytes) throw stopped(`it ended at byte ${position} of ${file.sizeBytes}`)
}

async function sizeOf (path: string): Promise<number> {
  return stat(path).then(stats => stats.size, () => 0)
}

function writeError (file: RepositoryFile, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return hubError('hub_disk_full', { file: file.path, neededBytes: file.sizeBytes, availableBytes: 'no more' }, error)
  return hubError('hub_write_failed', { file: file.path, reason: reasonOf(error) }, error)
}
