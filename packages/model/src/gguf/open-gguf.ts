// Owns opening GGUF files: reads just enough of each for its header, and joins the parts of a split model.
import { basename, dirname, join } from 'node:path'
import { modelError } from '../errors.js'
import { fileSizeOf, readPrefix } from '../reading/file-bytes.js'
import { mergeTensorTables } from '../weights/stored-tensor.js'
import type { TensorTable } from '../weights/stored-tensor.js'
import { NeedMoreBytes } from './byte-cursor.js'
import { parseGgufHeader } from './parse-header.js'
import type { GgufHeader, GgufMetadata } from './parse-header.js'

export interface GgufCheckpoint {
  /** Every file, first part first. */
  readonly paths: readonly string[]
  /** Of the first part: it carries the model's keys and the tokenizer. */
  readonly metadata: GgufMetadata
  readonly tensors: TensorTable
}

const firstPrefixBytes = 1024 * 1024
const prefixGrowth = 4
/** A 256k-token vocabulary with merges is about 20 MB. */
const maxHeaderBytes = 256 * 1024 * 1024
const maxSplits = 1_000
const splitPattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/

/**
 * Opens a .gguf file, or all parts of a split model from the path of any part (`NAME-00001-of-0000N.gguf`).
 * Throws model errors; reads headers only.
 */
export async function openGguf (path: string): Promise<GgufCheckpoint> {
  const paths = splitPaths(path)
  const headers: GgufHeader[] = []
  for (const part of paths) headers.push(await readGgufHeader(part))
  if (paths.length > 1) headers.forEach((header, index) => checkSplit(header, index, paths))
  const tensors = mergeTensorTables(headers.map(header => header.tensors))
  const metadata = headers[0]?.metadata ?? new Map()
  const numTensors = metadata.get('split.tensors.count')
  if (paths.length > 1 && numTensors !== undefined && numTensors !== tensors.size) {
    throw modelError('model_shard_invalid', { path, reason: `split.tensors.count is ${String(numTensors)}, but the parts hold ${tensors.size} tensors` })
  }
  return { paths, metadata, tensors }
}

/** The name a split model's parts share, or the file's own name, without ".gguf". */
export function ggufBaseName (path: string): string {
  const name = basename(path)
  return splitPattern.exec(name)?.[1] ?? name.replace(/\.gguf$/i, '')
}

/** All parts of the model that `path` is a part of, in order. */
export function splitPaths (path: string): string[] {
  const match = splitPattern.exec(basename(path))
  if (match === null) return [path]
  const numParts = Number(match[3])
  const index = Number(match[2])
  if (numParts < 1 || numParts > maxSplits || index < 1 || index > numParts) {
    throw modelError('model_shard_invalid', { path, reason: `the name must count parts from 00001 to at most ${String(maxSplits).padStart(5, '0')}` })
  }
  return Array.from({ length: numParts }, (_, i) => join(dirname(path), `${match[1] ?? ''}-${String(i + 1).padStart(5, '0')}-of-${match[3] ?? ''}.gguf`))
}

async function readGgufHeader (path: string): Promise<GgufHeader> {
  const fileBytes = await fileSizeOf(path)
  let numBytes = Math.min(firstPrefixBytes, fileBytes)
  for (;;) {
    const prefix = await readPrefix(path, numBytes)
    try {
      return parseGgufHeader(prefix, fileBytes, path)
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error
      // The file became shorter between stat and read.
      if (prefix.length < numBytes) throw modelError('model_file_truncated', { path, part: 'header', expected: numBytes, actual: prefix.length })
      const next = Math.min(fileBytes, Math.max(numBytes * prefixGrowth, error.atLeast))
      if (next > maxHeaderBytes && numBytes >= maxHeaderBytes) throw modelError('model_header_too_large', { path, limit: maxHeaderBytes })
      numBytes = Math.min(next, maxHeaderBytes)
    }
  }
}

function checkSplit (header: GgufHeader, index: number, paths: readonly string[]): void {
  const path = paths[index] ?? ''
  const check = (key: string, expected: number): void => {
    const actual = header.metadata.get(key)
    if (actual !== expected) throw modelError('model_shard_invalid', { path, reason: `${key} must be ${expected} by the file's name (got ${String(actual)})` })
  }
  check('split.no', index)
  check('split.count', paths.length)
}
