// Owns the tokenizer every other part sees. The text pipeline is the library's; merging is ours for its speed,
// bytes and decoding because streaming needs single tokens.
import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import { makeError } from '@tandem/core'
import { BytePairEncoder } from './bpe/byte-pair-encoder.js'
import { createChatTemplate } from './chat-template.js'
import type { ChatTemplate } from './chat-template.js'
import { createDetokenizerOver } from './detokenizer.js'
import type { Detokenizer, DetokenizerOptions, TokenTexts } from './detokenizer.js'
import { tokenizerErrors } from './errors.js'
import { adaptToLibrary } from './library-adapter.js'
import { createTokenBytes } from './token-bytes.js'
import type { TokenizerParts } from './tokenizer-json.js'

export interface EncodeOptions {
  /** Add what the checkpoint puts around a text (bos). True for plain prompts, false for a rendered chat template. */
  readonly addSpecialTokens: boolean
}

export interface DecodeOptions {
  /** Default true. */
  readonly skipSpecialTokens?: boolean
}

export interface Tokenizer {
  /** One past the largest token id. */
  readonly numIds: number
  /** One past the largest id that ordinary text encodes to: without tokens that were added to the vocabulary. */
  readonly numTextIds: number
  /** Bytes of the longest token. */
  readonly maxTokenBytes: number
  readonly bosTokenId: number | undefined
  /** Undefined when the checkpoint carries none. */
  readonly chatTemplate: ChatTemplate | undefined
  /** Control tokens written in `text` become those tokens, as in transformers. */
  encode (text: string, options: EncodeOptions): number[]
  /** Text of a whole sequence; bytes that are not UTF-8 become U+FFFD. */
  decode (tokenIds: readonly number[], options?: DecodeOptions): string
  /** UTF-8 bytes of one token (may be part of a code point); empty for an id the vocabulary skips. Do not modify. */
  tokenBytes (tokenId: number): Uint8Array
  isSpecial (tokenId: number): boolean
  createDetokenizer (options?: DetokenizerOptions): Detokenizer
}

export interface CreateTokenizerOptions {
  /** Clock of `strftime_now` in chat templates. */
  readonly now?: () => Date
}

/** Throws `tokenizer_unsupported` for components the library does not know. */
export function createTokenizer (parts: TokenizerParts, options: CreateTokenizerOptions = {}): Tokenizer {
  const library = openLibrary(parts)
  const tokens = createTokenBytes(parts)
  const texts: TokenTexts = []
  const createDetokenizer = (detokenizerOptions?: DetokenizerOptions) => createDetokenizerOver(tokens, texts, detokenizerOptions)
  return {
    numIds: tokens.numIds,
    numTextIds: tokens.numTextIds,
    maxTokenBytes: tokens.maxBytes,
    bosTokenId: parts.bosToken === undefined ? undefined : library.token_to_id(parts.bosToken),
    chatTemplate: createChatTemplate(parts, options.now ?? (() => new Date())),
    encode: (text, { addSpecialTokens }) => library.encode(text, { add_special_tokens: addSpecialTokens }).ids as number[],
    decode (tokenIds, { skipSpecialTokens = true } = {}) {
      const detokenizer = createDetokenizer({ skipSpecialTokens, atStart: true })
      let text = ''
      for (const tokenId of tokenIds) text += detokenizer.push(tokenId)
      return text + detokenizer.end()
    },
    tokenBytes: tokens.bytesOf,
    isSpecial: tokens.isSpecial,
    createDetokenizer
  }
}

export function createDetokenizer (tokenizer: Tokenizer, options?: DetokenizerOptions): Detokenizer {
  return tokenizer.createDetokenizer(options)
}

/** The library splits, normalises and adds special tokens; merging is ours (see bpe/byte-pair-encoder.ts). */
function openLibrary (parts: TokenizerParts): LibraryTokenizer {
  const encoder = new BytePairEncoder(parts.json.model, reason => {
    throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source: parts.source, reason })
  })
  try {
    const library = new LibraryTokenizer(adaptToLibrary(parts.json), { clean_up_tokenization_spaces: false })
    const model = library.model as { encode: (words: readonly string[]) => string[] }
    model.encode = words => words.flatMap(word => encoder.encode(word))
    return library
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw makeError(tokenizerErrors, 'tokenizer_unsupported', { source: parts.source, reason }, { cause: error })
  }
}
