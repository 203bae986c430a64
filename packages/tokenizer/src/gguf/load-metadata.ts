// Owns building the equivalent of a tokenizer.json from GGUF metadata.
import { makeError } from '@tandem/core'
import { bytesOfSpelling, spellingOfText } from '../byte-alphabet.js'
import { tokenizerErrors } from '../errors.js'
import { preTokenizerNames, preTokenizerOf } from '../pre-tokenizers.js'
import { templateProcessor } from '../tokenizer-json.js'
import type { AddedTokenJson, TokenizerJson, TokenizerParts } from '../tokenizer-json.js'
import { booleanAt, numberAt, numbersAt, stringAt, stringsAt } from './metadata.js'
import type { GgufMetadata } from './metadata.js'
import { mergesFromScores } from './merges.js'

// tokenizer.ggml.token_type
const UNKNOWN = 2
const CONTROL = 3
const USER_DEFINED = 4

/** `path` is the file's, for messages. Throws `tokenizer_missing`, `tokenizer_corrupt` and `tokenizer_unsupported`. */
export function loadMetadata (metadata: GgufMetadata, path: string): TokenizerParts {
  if (!metadata.has('tokenizer.ggml.model') && !metadata.has('tokenizer.ggml.tokens')) {
    throw makeError(tokenizerErrors, 'tokenizer_missing', { path, expected: 'tokenizer.ggml.tokens in its metadata' })
  }
  const model = stringAt(metadata, 'tokenizer.ggml.model')
  const tokens = stringsAt(metadata, 'tokenizer.ggml.tokens')
  const tokenAt = (key: string): string | undefined => {
    const id = numberAt(metadata, `tokenizer.ggml.${key}`)
    return id === undefined ? undefined : tokens[id]
  }
  if (model !== 'gpt2' && model !== 'llama') {
    throw makeError(tokenizerErrors, 'tokenizer_unsupported', {
      source: 'tokenizer.ggml.model', reason: `${model ?? 'missing'} is not gpt2 or llama`
    })
  }
  const bosToken = tokenAt('bos_token_id')
  const eosToken = tokenAt('eos_token_id')
  const unkToken = tokenAt('unknown_token_id')
  const json = model === 'gpt2' ? byteLevelJson(metadata, tokens) : sentencePieceJson(metadata, tokens, unkToken)
  const flag = (key: string, fallback: boolean): boolean => booleanAt(metadata, `tokenizer.ggml.${key}`) ?? fallback
  const idOf = (token: string | undefined) => token === undefined ? undefined : { token, id: tokens.indexOf(token) }
  return {
    source: 'tokenizer.ggml',
    json: {
      ...json,
      // A SentencePiece file that does not say otherwise wants bos.
      post_processor: templateProcessor(
        flag('add_bos_token', model === 'llama') ? idOf(bosToken) : undefined,
        flag('add_eos_token', false) ? idOf(eosToken) : undefined
      )
    },
    bosToken,
    eosToken,
    unkToken,
    padToken: tokenAt('padding_token_id'),
    chatTemplate: stringAt(metadata, 'tokenizer.chat_template')
  }
}

function byteLevelJson (metadata: GgufMetadata, tokens: readonly string[]): TokenizerJson {
  const name = stringAt(metadata, 'tokenizer.ggml.pre') ?? 'default'
  const preTokenizer = preTokenizerOf(name)
  if (preTokenizer === undefined) {
    throw makeError(tokenizerErrors, 'tokenizer_unsupported', {
      source: 'tokenizer.ggml.pre', reason: `${name} is not one of ${preTokenizerNames.join(', ')}`
    })
  }
  const added = addedTokens(metadata, tokens)
  const addedIds = new Set(added.map(token => token.id))
  // Some files write ordinary tokens as text; the vocabulary must spell all of them in the byte alphabet.
  const spell = (token: string, id: number): string =>
    addedIds.has(id) || bytesOfSpelling(token) !== undefined ? token : spellingOfText(token)
  return {
    added_tokens: added,
    // The one normalizer among these families; a GGUF file does not mention it.
    normalizer: name === 'qwen2' ? { type: 'NFC' } : null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: vocabOf(tokens, spell),
      merges: stringsAt(metadata, 'tokenizer.ggml.merges'),
      ignore_merges: name === 'llama-bpe' || name === 'llama3'
    }
  }
}

function sentencePieceJson (metadata: GgufMetadata, tokens: readonly string[], unkToken: string | undefined): TokenizerJson {
  const scores = numbersAt(metadata, 'tokenizer.ggml.scores')
  if (scores === undefined || scores.length !== tokens.length) {
    throw makeError(tokenizerErrors, 'tokenizer_corrupt', {
      source: 'tokenizer.ggml.scores', reason: `has ${scores?.length ?? 0} entries for ${tokens.length} tokens`
    })
  }
  const addSpacePrefix = booleanAt(metadata, 'tokenizer.ggml.add_space_prefix') ?? true
  const strip = addSpacePrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []
  return {
    added_tokens: addedTokens(metadata, tokens),
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: addSpacePrefix ? 'first' : 'never', split: false },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, ...strip
      ]
    },
    model: {
      type: 'BPE',
      vocab: vocabOf(tokens, token => token),
      merges: mergesFromScores(tokens, scores),
      unk_token: unkToken ?? null,
      fuse_unk: true,
      byte_fallback: true
    }
  }
}

function vocabOf (tokens: readonly string[], spell: (token: string, id: number) => string): Record<string, number> {
  const vocab = Object.create(null) as Record<string, number>
  for (let id = 0; id < tokens.length; id++) vocab[spell(tokens[id]!, id)] = id
  return vocab
}

function addedTokens (metadata: GgufMetadata, tokens: readonly string[]): AddedTokenJson[] {
  const types = numbersAt(metadata, 'tokenizer.ggml.token_type')
  return tokens.flatMap((content, id) => {
    const type = types?.[id]
    if (type !== UNKNOWN && type !== CONTROL && type !== USER_DEFINED) return []
    return [{ id, content, special: type !== USER_DEFINED, normalized: false }]
  })
}
