// Owns turning a growing list of token ids into text, one token at a time. Holds back the bytes of an
// unfinished code point, so no delta ever ends inside one; the deltas and `end()` add up to `decode`.
import { TextDecoder } from 'node:util'
import type { TokenBytes } from './token-bytes.js'

export interface Detokenizer {
  /** Text that became certain with this token; often all of it, '' while a code point is unfinished. */
  push (tokenId: number): string
  /** What is held back, as U+FFFD: the bytes of a code point that never completed. */
  end (): string
}

export interface DetokenizerOptions {
  /** Special tokens yield no text. Default true. */
  readonly skipSpecialTokens?: boolean
  /** The text begins here, so a decoder that strips the dummy prefix does so. Default false: it continues a prompt. */
  readonly atStart?: boolean
}

/** Whole-token texts shared by all detokenizers of a tokenizer; null marks a token that is not UTF-8 by itself. */
export type TokenTexts = (string | null | undefined)[]

const NO_BYTES = new Uint8Array(0)
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function createDetokenizerOver (tokens: TokenBytes, texts: TokenTexts, options: DetokenizerOptions = {}): Detokenizer {
  const skipSpecialTokens = options.skipSpecialTokens ?? true
  let stripSpace = (options.atStart ?? false) && tokens.stripsLeadingSpace
  /** At most 3 bytes: the start of a code point whose other bytes have not come yet. */
  let held: Uint8Array = NO_BYTES

  const decodeBytes = (bytes: Uint8Array): string => {
    const all = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    // A lead byte always starts a new code point, so cutting before one never changes the replacement characters.
    const end = all.length - unfinishedLength(all)
    held = all.subarray(end)
    return lossy.decode(all.subarray(0, end))
  }

  return {
    push (tokenId) {
      if (skipSpecialTokens && tokens.isSpecial(tokenId)) return ''
      const whole = held.length === 0 ? wholeText(tokens, texts, tokenId) : null
      let text = whole ?? decodeBytes(tokens.bytesOf(tokenId))
      if (stripSpace && text !== '') {
        stripSpace = false
        if (text.startsWith(' ')) text = text.slice(1)
      }
      return text
    },
    end () {
      const rest = lossy.decode(held)
      held = NO_BYTES
      return rest
    }
  }
}

/** Bytes at the end that start a code point and do not complete it: 0 to 3. */
function unfinishedLength (bytes: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const byte = bytes[bytes.length - length]!
    if ((byte & 0xc0) === 0x80) continue
    const expected = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1
    return byte > 0xf4 || length >= expected ? 0 : length
  }
  return 0
}

function wholeText (tokens: TokenBytes, texts: TokenTexts, tokenId: number): string | null {
  const known = texts[tokenId]
  if (known !== undefined) return known
  let text: string | null
  try {
    text = strict.decode(tokens.bytesOf(tokenId))
  } catch {
    text = null
  }
  texts[tokenId] = text
  return text
}
