// Owns computing the hub's two checksums over a stream of bytes.
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Checksum, RepositoryFile } from './repository.js'

/** A hash that is fed the file's bytes in order. A git blob's SHA-1 also covers its size. */
export function startChecksum (algorithm: Checksum['algorithm'], sizeBytes: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`)
}

/** Feeds the first `numBytes` bytes of a file. */
export async function updateFromFile (hash: Hash, path: string, numBytes: number): Promise<void> {
  if (numBytes === 0) return
  for await (const chunk of createReadStream(path, { end: numBytes - 1 })) hash.update(chunk as Buffer)
}

/** Checksum (hex) of the file that lies in `directory` under `file`'s name, as the hub would state it. */
export async function checksumOnDisk (file: RepositoryFile, directory: string): Promise<string> {
  const hash = startChecksum(file.checksum.algorithm, file.sizeBytes)
  await updateFromFile(hash, join(directory, file.name), file.sizeBytes)
  return hash.digest('hex')
}
