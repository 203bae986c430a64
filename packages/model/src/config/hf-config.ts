// Owns the translation of a Hugging Face config.json into ModelConfig, whichever transformers version wrote it.
// The halves of a layer are in hf-attention.ts and hf-ffn.ts.
import { modelError } from '../errors.js'
import { architectures } from '../model-config.js'
import type { Architecture, ModelConfig } from '../model-config.js'
import { readHfAttention } from './hf-attention.js'
import { readHfFfn } from './hf-ffn.js'
import { readHfRope } from './hf-rope.js'
import type { KeyReader } from './key-reader.js'
import { buildRope } from './rope.js'
import { readTokenIds } from './token-ids.js'

/** `model_type` of config.json. Mistral and Kimi K2 are Llama and DeepSeek-V3 under another name. */
const architectureOfModelType: Readonly<Record<string, Architecture>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen3: 'qwen3',
  qwen3_moe: 'qwen3_moe',
  deepseek_v2: 'deepseek_v2',
  deepseek_v3: 'deepseek_v3',
  kimi_k2: 'deepseek_v3',
  step3_text: 'step3_text'
}

const defaultThetas: Readonly<Record<Architecture, number>> = {
  llama: 10_000, qwen3: 10_000, qwen3_moe: 10_000, deepseek_v2: 10_000, deepseek_v3: 10_000, step3_text: 500_000
}

const maxNumLayers = 4_096

/** What the checkpoint's tensors say about the config where config.json leaves it open. */
export interface HfTensorHints {
  /** There is an LM head of its own. */
  readonly hasLmHead: boolean
  /** Layer 0 has a bias on its q projection; on its output projection. */
  readonly hasQkvBias: boolean
  readonly hasOutputBias: boolean
}

/**
 * `config` reads config.json; `generation` reads generation_config.json when there is one.
 * @throws `architecture_unsupported`, `rope_type_unsupported`, `config_key_invalid`, `config_key_unsupported`.
 */
export function readHfConfig (config: KeyReader, generation: KeyReader | undefined, hints: HfTensorHints): ModelConfig {
  const text = textConfigOf(config)
  const architecture = readArchitecture(text)
  refuseUnsupported(text, architecture, hints)
  const maxModelLen = readMaxModelLen(text, architecture)
  refuseSlidingWindow(text, maxModelLen)
  const numLayers = text.integer('num_hidden_layers', { max: maxNumLayers })
  const vocabSize = text.integer('vocab_size')
  const rope = readHfRope(text, maxModelLen, defaultThetas[architecture])
  const { attention, ropeDim, interleaved } = readHfAttention(text, architecture, rope, hints)
  const eosSources = [generation, config, text]
  return {
    architecture,
    vocabSize,
    hiddenSize: text.integer('hidden_size'),
    numLayers,
    maxModelLen,
    rmsNormEps: text.number('rms_norm_eps', { min: 0, max: 1, fallback: architecture === 'step3_text' ? 1e-5 : 1e-6 }),
    tieWordEmbeddings: (text.has('tie_word_embeddings') ? text : config).boolean('tie_word_embeddings', !hints.hasLmHead),
    attention,
    rope: buildRope({ dim: ropeDim, theta: rope.theta, interleaved, scaling: rope.scaling }),
    ffn: readHfFfn(text, architecture, numLayers),
    bosTokenId: readTokenIds(eosSources, ['bos_token_id'], vocabSize)[0] ?? null,
    eosTokenIds: readTokenIds(eosSources, ['eos_token_id'], vocabSize)
  }
}

/** The text model of a multimodal config (step3_vl), else the config itself. */
function textConfigOf (config: KeyReader): KeyReader {
  return config.raw('model_type') === 'step3_vl' ? config.record('text_config') ?? config : config
}

function readArchitecture (text: KeyReader): Architecture {
  const modelType = text.string('model_type')
  const architecture = Object.hasOwn(architectureOfModelType, modelType) ? architectureOfModelType[modelType] : undefined
  if (architecture === undefined) {
    throw modelError('architecture_unsupported', { path: text.path, actual: modelType, expected: architectures.join(', ') })
  }
  return architecture
}

function readMaxModelLen (text: KeyReader, architecture: Architecture): number {
  if (architecture !== 'step3_text') return text.integer('max_position_embeddings')
  // Step-3 writes the key without an s; either may be absent.
  const spellings = ['max_position_embedding', 'max_position_embeddings', 'max_seq_len']
  return text.integer(spellings.find(key => text.has(key)) ?? 'max_position_embedding')
}

function refuseUnsupported (text: KeyReader, architecture: Architecture, hints: HfTensorHints): void {
  if (text.string('hidden_act', 'silu') !== 'silu') throw text.unsupported('hidden_act', 'only silu is')
  if (text.boolean('mlp_bias', false)) throw text.unsupported('mlp_bias', 'FFN projections have no biases')
  if (hints.hasOutputBias) throw text.unsupported('attention_bias', 'the output projection has no bias')
  if (hints.hasQkvBias && architecture !== 'llama') throw text.unsupported('attention_bias', `q, k and v of ${architecture} have no biases`)
}

/** A window that covers the whole context is no window. */
function refuseSlidingWindow (text: KeyReader, maxModelLen: number): void {
  const layerTypes = text.raw('layer_types')
  if (Array.isArray(layerTypes) && layerTypes.some(type => type !== 'full_attention')) throw text.unsupported('layer_types', 'only full attention is')
  const usesWindow = text.boolean('use_sliding_window', text.raw('model_type') === 'mistral')
  const window = text.integer('sliding_window', { fallback: undefined })
  if (usesWindow && window !== undefined && window < maxModelLen) throw text.unsupported('sliding_window', 'only full attention is')
}
