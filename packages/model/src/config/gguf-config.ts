// Owns the translation of GGUF metadata into ModelConfig. Architectures by general.architecture; "step3" is Tandem's own name
// for Step-3 text, which has no published GGUF mapping.
import { modelError } from '../errors.js'
import type { GgufMetadata } from '../gguf/parse-header.js'
import type { Architecture, AttentionConfig, ModelConfig } from '../model-config.js'
import type { TensorTable } from '../weights/stored-tensor.js'
import { readGgufFfn } from './gguf-ffn.js'
import { readGgufRope } from './gguf-rope.js'
import { loraNormEps } from './hf-attention.js'
import { KeyReader } from './key-reader.js'
import { buildRope, maxHeadDim } from './rope.js'
import { readTokenIds } from './token-ids.js'

export const ggufArchitectures = ['llama', 'qwen3', 'qwen3moe', 'deepseek2', 'step3'] as const
export type GgufArchitecture = typeof ggufArchitectures[number]

const architectureOf: Readonly<Record<GgufArchitecture, Architecture>> = {
  llama: 'llama', qwen3: 'qwen3', qwen3moe: 'qwen3_moe', deepseek2: 'deepseek_v2', step3: 'step3_text'
}

/** One float32 per rotated pair, written for Llama 3.1 and later. */
export const ropeFactorsName = 'rope_freqs.weight'

/**
 * `tensors` fill in what metadata leaves open; `freqFactors` is the content of rope_freqs.weight when the file has it.
 * @throws `architecture_unsupported`, `rope_type_unsupported`, `config_key_invalid`, `config_key_unsupported`.
 */
export function readGgufConfig (path: string, metadata: GgufMetadata, tensors: TensorTable, freqFactors?: Float32Array): ModelConfig {
  const general = new KeyReader(path, key => metadata.get(key))
  const name = readArchitecture(general)
  const keys = new KeyReader(path, key => metadata.get(`${name}.${key}`), `${name}.`)
  const numLayers = keys.integer('block_count', { max: 4_096 })
  const vocabSize = readVocabSize(keys, metadata, tensors)
  const maxModelLen = keys.integer('context_length')
  if (keys.has('attention.sliding_window') && keys.integer('attention.sliding_window', { min: 0 }) !== 0) {
    throw keys.unsupported('attention.sliding_window', 'only full attention is')
  }
  const rope = readGgufRope(keys, maxModelLen, name === 'deepseek2')
  const { attention, ropeDim } = readAttention(keys, name, tensors, rope.softmaxCorrection)
  const hiddenSize = keys.integer('embedding_length')
  if (freqFactors !== undefined) checkFreqFactors(path, freqFactors, ropeDim / 2)
  const { ffn, isV3 } = readGgufFfn(keys, name, numLayers, tensors)
  return {
    architecture: isV3 ? 'deepseek_v3' : architectureOf[name],
    vocabSize,
    hiddenSize,
    numLayers,
    maxModelLen,
    rmsNormEps: keys.number('attention.layer_norm_rms_epsilon', { min: 0, max: 1 }),
    tieWordEmbeddings: !tensors.has('output.weight'),
    attention,
    rope: buildRope({
      dim: ropeDim,
      theta: rope.theta,
      // The converter permutes q and k of llama; DeepSeek's checkpoints are interleaved to begin with.
      interleaved: name === 'llama' || name === 'deepseek2',
      scaling: rope.scaling,
      ...(freqFactors === undefined ? {} : { freqFactors })
    }),
    ffn,
    bosTokenId: readTokenIds([general], ['tokenizer.ggml.bos_token_id'], vocabSize)[0] ?? null,
    eosTokenIds: readTokenIds([general], ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id', 'tokenizer.ggml.eom_token_id'], vocabSize)
  }
}

function checkFreqFactors (path: string, factors: Float32Array, numPairs: number): void {
  const tensor = ropeFactorsName
  if (factors.length !== numPairs) throw modelError('tensor_shape_mismatch', { path, tensor, actual: `[${factors.length}]`, expected: `[${numPairs}]` })
  if (factors.every(factor => Number.isFinite(factor) && factor > 0)) return
  throw modelError('model_header_invalid', { path, part: `tensor ${tensor}`, reason: 'a factor is not a positive number' })
}

function readArchitecture (general: KeyReader): GgufArchitecture {
  const actual = general.string('general.architecture')
  const architecture = ggufArchitectures.find(name => name === actual)
  if (architecture === undefined) {
    throw modelError('architecture_unsupported', { path: general.path, actual, expected: ggufArchitectures.join(', ') })
  }
  return architecture
}

/** Written by newer converters only; the token list and then the embedding stand in. */
function readVocabSize (keys: KeyReader, metadata: GgufMetadata, tensors: TensorTable): number {
  const tokens = metadata.get('tokenizer.ggml.tokens')
  const fallback = Array.isArray(tokens) && tokens.length > 0 ? tokens.length : tensors.get('token_embd.weight')?.shape[0]
  return keys.integer('vocab_size', fallback === undefined ? {} : { fallback })
}

function readAttention (
  keys: KeyReader, name: GgufArchitecture, tensors: TensorTable, softmaxCorrection: number
): { attention: AttentionConfig, ropeDim: number } {
  const numHeads = keys.integer('attention.head_count')
  if (name === 'deepseek2') return readMla(keys, numHeads, softmaxCorrection)
  const headDim = keys.integer('attention.key_length', { max: maxHeadDim, fallback: keys.integer('embedding_length') / numHeads })
  if (!Number.isInteger(headDim) || headDim > maxHeadDim) throw keys.invalid('attention.head_count', 'a divisor of embedding_length when attention.key_length is absent')
  if (headDim % 2 !== 0) throw keys.invalid('attention.key_length', 'even')
  if (keys.integer('attention.value_length', { fallback: headDim }) !== headDim) throw keys.unsupported('attention.value_length', 'it must equal the key length')
  if (keys.integer('rope.dimension_count', { fallback: headDim }) !== headDim) throw keys.unsupported('rope.dimension_count', 'only whole heads are rotated')
  const numKvHeads = keys.integer('attention.head_count_kv', { fallback: name === 'step3' ? 1 : numHeads })
  if (numHeads % numKvHeads !== 0) throw keys.invalid('attention.head_count_kv', `a divisor of ${numHeads} heads`)
  const scale = headDim ** -0.5
  if (name === 'step3') {
    if (numKvHeads !== 1) throw keys.unsupported('attention.head_count_kv', 'Step-3 shares one KV head')
    return { attention: { kind: 'mfa', numHeads, numKvHeads, headDim, shareQDim: keys.integer('attention.q_lora_rank'), scale }, ropeDim: headDim }
  }
  const qkNorm = name !== 'llama'
  const qkvBias = tensors.has('blk.0.attn_q.bias')
  if (tensors.has('blk.0.attn_output.bias')) throw keys.unsupported('attention', 'the output projection has no bias')
  return { attention: { kind: 'gqa', numHeads, numKvHeads, headDim, qkNorm, qkvBias, scale }, ropeDim: headDim }
}

/** Newer files state the unabsorbed head sizes in *_mla and those of the cache in key_length; older ones the former in key_length. */
function readMla (keys: KeyReader, numHeads: number, softmaxCorrection: number): { attention: AttentionConfig, ropeDim: number } {
  const ropeDim = keys.integer('rope.dimension_count', { max: maxHeadDim })
  if (ropeDim % 2 !== 0) throw keys.invalid('rope.dimension_count', 'even')
  const keyLength = keys.integer(keys.has('attention.key_length_mla') ? 'attention.key_length_mla' : 'attention.key_length')
  const vHeadDim = keys.integer(keys.has('attention.value_length_mla') ? 'attention.value_length_mla' : 'attention.value_length')
  if (keyLength <= ropeDim) throw keys.invalid('rope.dimension_count', `below the key length (${keyLength})`)
  const qLoraRank = keys.integer('attention.q_lora_rank', { min: 0, fallback: 0 })
  const attention: AttentionConfig = {
    kind: 'mla',
    numHeads,
    qLoraRank: qLoraRank === 0 ? null : qLoraRank,
    kvLoraRank: keys.integer('attention.kv_lora_rank'),
    qkNopeHeadDim: keyLength - ropeDim,
    qkRopeHeadDim: ropeDim,
    vHeadDim,
    loraNormEps,
    scale: keyLength ** -0.5 * softmaxCorrection
  }
  return { attention, ropeDim }
}
