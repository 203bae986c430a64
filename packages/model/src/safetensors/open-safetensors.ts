// Owns finding and opening the safetensors files of a directory: one file, or the shards an index lists. Reads headers only.
import { basename, join } from 'node:path'
import { modelError } from '../errors.js'
import { fileSizeOf, readJsonObject, readPrefix } from '../reading/file-bytes.js'
import { mergeTensorTables } from '../weights/stored-tensor.js'
import type { StoredTensor, TensorTable } from '../weights/stored-tensor.js'
import { parseSafetensorsHeader, safetensorsHeaderLength, safetensorsLengthBytes } from './parse-header.js'

export const singleFileName = 'model.safetensors'
export const indexFileName = 'model.safetensors.index.json'
const maxIndexBytes = 64 * 1024 * 1024

/**
 * The tensors of a Hugging Face directory whose files are named `files`.
 * @throws model errors; `model_format_unknown` when no safetensors file can be chosen.
 */
export async function openSafetensors (directory: string, files: readonly string[]): Promise<TensorTable> {
  if (files.includes(singleFileName)) return mergeTensorTables([await readHeader(join(directory, singleFileName))])
  if (files.includes(indexFileName)) return openSharded(directory)
  const candidates = files.filter(file => file.endsWith('.safetensors'))
  const [only] = candidates
  if (only === undefined || candidates.length > 1) {
    throw modelError('model_format_unknown', { path: directory, expected: `${singleFileName}, or ${indexFileName} with its shards, or one .safetensors file` })
  }
  return mergeTensorTables([await readHeader(join(directory, only))])
}

async function openSharded (directory: string): Promise<TensorTable> {
  const indexPath = join(directory, indexFileName)
  const weightMap = await readWeightMap(indexPath)
  const shards = [...new Set(weightMap.values())].sort()
  const tables: StoredTensor[][] = []
  for (const shard of shards) tables.push(await readHeader(join(directory, shard)))
  const tensors = mergeTensorTables(tables)
  for (const [name, shard] of weightMap) {
    const tensor = tensors.get(name)
    if (tensor === undefined || basename(tensor.path) !== shard) {
      throw modelError('model_shard_invalid', { path: indexPath, reason: `it places tensor ${name} in ${shard}, which does not hold it` })
    }
  }
  return tensors
}

async function readWeightMap (path: string): Promise<ReadonlyMap<string, string>> {
  const index = await readJsonObject(path, maxIndexBytes)
  const map = index.weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map)) throw modelError('model_shard_invalid', { path, reason: 'weight_map is not an object' })
  const weightMap = new Map<string, string>()
  for (const [name, shard] of Object.entries(map)) {
    // A shard lies next to its index: a path could name any file of the machine.
    if (typeof shard !== 'string' || basename(shard) !== shard || !shard.endsWith('.safetensors')) {
      throw modelError('model_shard_invalid', { path, reason: `weight_map of ${name} is not the name of a .safetensors file in this directory` })
    }
    weightMap.set(name, shard)
  }
  return weightMap
}

async function readHeader (path: string): Promise<StoredTensor[]> {
  const fileBytes = await fileSizeOf(path)
  const length = safetensorsHeaderLength(await readPrefix(path, safetensorsLengthBytes), fileBytes, path)
  const end = safetensorsLengthBytes + length
  const prefix = await readPrefix(path, end)
  if (prefix.length < end) throw modelError('model_file_truncated', { path, part: 'header', expected: end, actual: prefix.length })
  return parseSafetensorsHeader(prefix.subarray(safetensorsLengthBytes), fileBytes, path)
}
