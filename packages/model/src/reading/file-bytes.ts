// Owns the small synchronous-looking reads of opening a model: a file's size, a prefix, a whole small file. Weights
// are read by TensorReader.
import { open, readFile, stat } from 'node:fs/promises'
import { modelError } from '../errors.js'

/** Message of a file system failure, without a stack. */
export function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Size of a regular file in bytes. Throws `model_not_found` or `model_file_unreadable`. */
export async function fileSizeOf (path: string): Promise<number> {
  const stats = await stat(path).catch((error: unknown) => { throw unreadable(path, error) })
  if (!stats.isFile()) throw modelError('model_not_found', { path, reason: 'it is not a file' })
  return stats.size
}

/** The first `numBytes` bytes (fewer when the file is shorter). */
export async function readPrefix (path: string, numBytes: number): Promise<Uint8Array> {
  const handle = await open(path, 'r').catch((error: unknown) => { throw unreadable(path, error) })
  try {
    const bytes = new Uint8Array(numBytes)
    let filled = 0
    while (filled < numBytes) {
      const { bytesRead } = await handle.read(bytes, filled, numBytes - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await handle.close()
  }
}

/** A whole file of at most `limit` bytes as text. Throws `model_header_too_large`, `model_header_invalid` (not UTF-8). */
export async function readSmallText (path: string, limit: number): Promise<string> {
  if (await fileSizeOf(path) > limit) throw modelError('model_header_too_large', { path, limit })
  const bytes = await readFile(path).catch((error: unknown) => { throw unreadable(path, error) })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw modelError('model_header_invalid', { path, part: 'text', reason: 'it is not valid UTF-8' }, error)
  }
}

/** A JSON object from a file of at most `limit` bytes. Throws `model_header_invalid` when it is anything else. */
export async function readJsonObject (path: string, limit: number): Promise<Readonly<Record<string, unknown>>> {
  const text = await readSmallText(path, limit)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw modelError('model_header_invalid', { path, part: 'JSON', reason: reasonOf(error) }, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw modelError('model_header_invalid', { path, part: 'JSON', reason: 'expected an object' })
  }
  return value as Record<string, unknown>
}

function unreadable (path: string, error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return modelError('model_not_found', { path, reason: 'no such file' }, error)
  return modelError('model_file_unreadable', { path, reason: reasonOf(error) }, error)
}
