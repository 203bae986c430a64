// Owns what a token is in bytes: the inverse of the vocabulary's spelling. Filled on first use, since a
// request touches few of the ids.
import { makeError } from '@tandem/core'
import { bytesOfSpelling } from './byte-alphabet.js'
import { tokenizerErrors } from './errors.js'
import type { ComponentJson, TokenizerParts } from './tokenizer-json.js'

/** byte_level: the GPT-2 alphabet; sentencepiece: "▁" is a space and <0xNN> a byte. */
export type Spelling = 'byte_level' | 'sentencepiece'

export interface TokenBytes {
  /** One past the largest id. */
  readonly numIds: number
  /** One past the largest id that ordinary text encodes to: without tokens that were added to the vocabulary. */
  readonly numTextIds: number
  /** An upper bound of the bytes of a token. */
  readonly maxBytes: number
  /** Empty for an id the vocabulary skips (padding rows of the embedding). */
  bytesOf (tokenId: number): Uint8Array
  isSpecial (tokenId: number): boolean
  /** A decoder drops one space at the start of a text (SentencePiece's dummy prefix). */
  readonly stripsLeadingSpace: boolean
}

const NO_BYTES = new Uint8Array(0)
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/

export function createTokenBytes (parts: TokenizerParts): TokenBytes {
  const { json } = parts
  const spelling = spellingOf(parts)
  const tokens: string[] = []
  for (const [token, id] of Object.entries(json.model.vocab)) tokens[id] = token
  const added = new Set<number>()
  const special = new Set<number>()
  for (const token of json.added_tokens) {
    tokens[token.id] = token.content
    added.add(token.id)
    if (token.special) special.add(token.id)
  }
  const cache: Uint8Array[] = []
  let maxBytes = 0
  let numTextIds = 0
  // A character is one byte in the byte alphabet; elsewhere it may take several.
  tokens.forEach((token, id) => {
    if (!added.has(id)) numTextIds = id + 1
    const isText = spelling === 'sentencepiece' || added.has(id)
    maxBytes = Math.max(maxBytes, isText ? Buffer.byteLength(token) : token.length)
  })
  return {
    numIds: tokens.length,
    numTextIds,
    maxBytes,
    stripsLeadingSpace: spelling === 'sentencepiece' && stripsSpace(json.decoder),
    isSpecial: tokenId => special.has(tokenId),
    bytesOf (tokenId) {
      const known = cache[tokenId]
      if (known !== undefined) return known
      const token = tokens[tokenId]
      if (token === undefined) return NO_BYTES
      const bytes = added.has(tokenId) ? Buffer.from(token, 'utf8') : spelledBytes(token, spelling)
      cache[tokenId] = bytes
      return bytes
    }
  }
}

function spelledBytes (token: string, spelling: Spelling): Uint8Array {
  if (spelling === 'byte_level') return bytesOfSpelling(token) ?? Buffer.from(token, 'utf8')
  const byte = BYTE_TOKEN.exec(token)
  if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16))
  return Buffer.from(token.replaceAll('\u2581', ' '), 'utf8')
}

function spellingOf ({ source, json: { decoder } }: TokenizerParts): Spelling {
  const types = steps(decoder).map(step => step.type)
  if (types.includes('ByteLevel')) return 'byte_level'
  if (types.includes('Metaspace') || types.includes('Replace')) return 'sentencepiece'
  throw makeError(tokenizerErrors, 'tokenizer_unsupported', {
    source, reason: `decoder ${types.join('+') || 'none'} is neither byte-level nor SentencePiece`
  })
}

function stripsSpace (decoder: ComponentJson | null): boolean {
  return steps(decoder).some(step =>
    (step.type === 'Strip' && step.content === ' ' && Number(step.start ?? 0) > 0) ||
    (step.type === 'Metaspace' && step.prepend_scheme !== 'never' && step.add_prefix_space !== false))
}

function steps (decoder: ComponentJson | null): readonly ComponentJson[] {
  if (decoder === null) return []
  return decoder.type === 'Sequence' ? (decoder.decoders ?? []) as ComponentJson[] : [decoder]
}
