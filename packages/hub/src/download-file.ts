// Owns bringing one file to disk: into a partial file, from where an earlier attempt stopped, checked, then under its own name. A file
// under its own name is whole and verified.
import { isTandemError } from '@tandem/core'
import { hubError, reasonOf } from './errors.js'
import type { HubClient, HubRequest } from './hub-client.js'
import { PartialFile } from './partial-file.js'
import type { RepositoryFile } from './repository.js'
import { TransientFailure, withRetries } from './retry.js'
import type { RetryPolicy } from './retry.js'

export interface DownloadFileOptions {
  readonly client: HubClient
  readonly directory: string
  readonly request: HubRequest
  readonly retry: RetryPolicy
  /** Bytes of this file on disk now; goes back when a damaged part is dropped. */
  readonly onBytes: (doneBytes: number) => void
}

/**
 * Downloads `file` into `directory`.
 * @throws `hub_checksum_mismatch`, `hub_disk_full`, `hub_write_failed`, and what HubClient throws.
 */
export async function downloadFile (file: RepositoryFile, options: DownloadFileOptions): Promise<void> {
  const partial = await PartialFile.open(options.directory, file)
  try {
    const wasResumed = partial.sizeBytes > 0
    options.onBytes(partial.sizeBytes)
    await fetchAll(partial, options)
    if (partial.checksum() !== file.checksum.hex && wasResumed) {
      // The part that was already here may be another version's: once more from the start.
      await partial.startOver()
      await fetchAll(partial, options)
    }
    const actual = partial.checksum()
    if (actual !== file.checksum.hex) {
      await partial.remove()
      const { algorithm, hex: expected } = file.checksum
      throw hubError('hub_checksum_mismatch', { file: file.path, algorithm, actual, expected })
    }
    await partial.complete(options.directory)
  } finally {
    await partial.close()
  }
}

async function fetchAll (partial: PartialFile, options: DownloadFileOptions): Promise<void> {
  await withRetries(options.retry, options.request.signal, () => fetchRest(partial, options), () => partial.sizeBytes)
}

/** Appends what is missing. Throws TransientFailure when the stream ends early. */
async function fetchRest (partial: PartialFile, options: DownloadFileOptions): Promise<void> {
  const { client, request, onBytes } = options
  const { file } = partial
  if (partial.sizeBytes === file.sizeBytes) return
  const headers = partial.sizeBytes > 0 ? { range: `bytes=${partial.sizeBytes}-` } : {}
  const response = await client.get({ ...request, headers })
  if (!continuesAt(response, partial.sizeBytes)) {
    await partial.startOver()
    onBytes(0)
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new TransientFailure(hubError('hub_unavailable', { host: client.host, file: file.path, reason: 'it answered another range' }))
    }
  }
  await append(partial, response, options)
}

/** True when the response's first byte belongs at `position`. */
function continuesAt (response: Response, position: number): boolean {
  if (response.status === 206) return response.headers.get('content-range')?.startsWith(`bytes ${position}-`) === true
  return response.status === 200 && position === 0
}

async function append (partial: PartialFile, response: Response, { client, request, onBytes }: DownloadFileOptions): Promise<void> {
  const { path, sizeBytes } = partial.file
  const stopped = (reason: string, cause?: unknown): TransientFailure =>
    new TransientFailure(hubError('hub_unavailable', { host: client.host, file: path, reason }, cause))
  try {
    for await (const chunk of response.body ?? []) {
      if (partial.sizeBytes + chunk.length > sizeBytes) throw stopped(`it sent more than ${sizeBytes} bytes`)
      await partial.append(chunk)
      onBytes(partial.sizeBytes)
    }
  } catch (error) {
    // What is left is the stream's own: the connection broke.
    if (request.signal.aborted || error instanceof TransientFailure || isTandemError(error)) throw error
    throw stopped(reasonOf(error), error)
  }
  if (partial.sizeBytes < sizeBytes) throw stopped(`it ended at byte ${partial.sizeBytes} of ${sizeBytes}`)
}
