// Owns opening a checkpoint of either format from a path: which format it is, its config and its weight references. Reads headers
// and, of the weights, only a GGUF file's RoPE factors.
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { readGgufConfig, ropeFactorsName } from './config/gguf-config.js'
import { readHfConfig } from './config/hf-config.js'
import { readScaleBlock } from './config/hf-quantization.js'
import { KeyReader, recordLookup } from './config/key-reader.js'
import { modelError } from './errors.js'
import { fingerprintOf } from './fingerprint.js'
import { ggufBaseName, openGguf, splitPaths } from './gguf/open-gguf.js'
import type { Model } from './model.js'
import { readJsonObject, reasonOf } from './reading/file-bytes.js'
import { TensorReader } from './reading/tensor-reader.js'
import { openSafetensors } from './safetensors/open-safetensors.js'
import { resolveAttentionWeights } from './weights/attention-weights.js'
import { resolveFfnWeights } from './weights/ffn-weights.js'
import type { TensorTable } from './weights/stored-tensor.js'
import { ggufTensorNames, hfTensorNames } from './weights/tensor-names.js'
import { TensorResolver } from './weights/tensor-resolver.js'

export interface OpenModelOptions {
  /** Served name; the directory's or file's base name unless given. */
  readonly name?: string
}

const configFileName = 'config.json'
const generationFileName = 'generation_config.json'
const maxConfigBytes = 16 * 1024 * 1024

/**
 * Opens a .gguf file (any part of a split one), a directory that holds one GGUF model, or a Hugging Face directory with config.json
 * and safetensors. Every tensor the model needs is present with the shape its config implies.
 * @throws the errors of errors.ts, naming the file and the key or tensor.
 */
export async function openModel (path: string, options: OpenModelOptions = {}): Promise<Model> {
  const absolute = resolve(path)
  const stats = await stat(absolute).catch((error: unknown) => {
    throw modelError('model_not_found', { path: absolute, reason: reasonOf(error) }, error)
  })
  if (!stats.isDirectory()) return openGgufModel(absolute, absolute, options.name ?? ggufBaseName(absolute))
  const files = await readdir(absolute)
  const name = options.name ?? basename(absolute)
  if (files.includes(configFileName) && files.some(file => file.endsWith('.safetensors'))) return openHfModel(absolute, files, name)
  return openGgufModel(absolute, join(absolute, onlyGguf(absolute, files)), name)
}

/** The one GGUF model of a directory: a file, or the first part of a split one. */
function onlyGguf (directory: string, files: readonly string[]): string {
  const ggufs = files.filter(file => file.endsWith('.gguf'))
  const models = new Set(ggufs.map(file => splitPaths(file)[0]))
  const [only] = models
  if (only === undefined || models.size > 1) {
    const expected = `${configFileName} with .safetensors files, or one GGUF model (found ${models.size})`
    throw modelError('model_format_unknown', { path: directory, expected })
  }
  return only
}

async function openGgufModel (path: string, file: string, name: string): Promise<Model> {
  if (!file.endsWith('.gguf')) throw modelError('model_format_unknown', { path: file, expected: 'a directory or a .gguf file' })
  const { metadata, tensors } = await openGguf(file)
  const config = readGgufConfig(file, metadata, tensors, await readRopeFactors(file, tensors))
  const resolver = new TensorResolver(file, tensors)
  return {
    name,
    path,
    format: 'gguf',
    config,
    attention: resolveAttentionWeights(config, ggufTensorNames, resolver),
    ffn: resolveFfnWeights(config, ggufTensorNames, resolver),
    tokenizer: { kind: 'gguf', path: file, metadata },
    fingerprint: fingerprintOf(config, tensors)
  }
}

async function readRopeFactors (file: string, tensors: TensorTable): Promise<Float32Array | undefined> {
  const stored = tensors.get(ropeFactorsName)
  if (stored === undefined) return undefined
  const reader = new TensorReader()
  try {
    return await reader.readFloat32(new TensorResolver(file, tensors).require(ropeFactorsName, [stored.shape[0] ?? 0]))
  } finally {
    await reader.close()
  }
}

async function openHfModel (directory: string, files: readonly string[], name: string): Promise<Model> {
  const tensors = await openSafetensors(directory, files)
  const configReader = await jsonReader(join(directory, configFileName))
  const generation = files.includes(generationFileName) ? await jsonReader(join(directory, generationFileName)) : undefined
  const { prefix, headPrefix } = findPrefixes(tensors)
  const has = (suffix: string): boolean => tensors.has(`${prefix}layers.0.self_attn.${suffix}`)
  const config = readHfConfig(configReader, generation, {
    hasLmHead: tensors.has(`${headPrefix}lm_head.weight`),
    hasQkvBias: has('q_proj.bias'),
    hasOutputBias: has('o_proj.bias')
  })
  const names = hfTensorNames(config.architecture, prefix, headPrefix)
  const resolver = new TensorResolver(directory, tensors, readScaleBlock(configReader))
  return {
    name,
    path: directory,
    format: 'safetensors',
    config,
    attention: resolveAttentionWeights(config, names, resolver),
    ffn: resolveFfnWeights(config, names, resolver),
    tokenizer: { kind: 'hf', directory },
    fingerprint: fingerprintOf(config, tensors)
  }
}

async function jsonReader (path: string): Promise<KeyReader> {
  return new KeyReader(path, recordLookup(await readJsonObject(path, maxConfigBytes)))
}

/** Multimodal checkpoints nest the text model; "model." is the plain form. */
function findPrefixes (tensors: TensorTable): { prefix: string, headPrefix: string } {
  const prefix = ['model.', 'model.language_model.', 'language_model.model.'].find(candidate => tensors.has(`${candidate}embed_tokens.weight`)) ?? 'model.'
  return { prefix, headPrefix: prefix.startsWith('language_model.') ? 'language_model.' : '' }
}
