// Owns where each token begins in the text a completion returns. A token may be part of a character, or no text at all, so offsets
// follow the detokenizer and not the tokens' spellings. They count code points, as OpenAI's clients in Python index a string.
import type { Detokenizer, Tokenizer } from '@tandem/tokenizer'

const numCodePoints = (text: string): number => [...text].length

export interface TextOffsets {
  /** Where this token begins; the next call is about the token after it. */
  next (tokenId: number): number
}

/** Of the output, behind an echoed prompt where there is one. A token that completes a character begins where the character does. */
export function outputOffsets (tokenizer: Tokenizer, skipSpecialTokens: boolean, echoedText: string): TextOffsets {
  const detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens })
  let offset = numCodePoints(echoedText)
  return {
    next (tokenId) {
      const start = offset
      offset += numCodePoints(detokenizer.push(tokenId))
      return start
    }
  }
}

/** Of the prompt, whose text is echoed as the client wrote it: with the control tokens in it, without those put around it. */
export function promptOffsets (tokenizer: Tokenizer, text: string): TextOffsets {
  const detokenizer: Detokenizer = tokenizer.createDetokenizer({ skipSpecialTokens: true, atStart: true })
  const length = numCodePoints(text)
  let offset = 0
  /** In UTF-16 units, as startsWith counts. */
  let position = 0
  return {
    next (tokenId) {
      const start = Math.min(offset, length)
      let piece = detokenizer.push(tokenId)
      if (tokenizer.isSpecial(tokenId)) {
        const spelling = Buffer.from(tokenizer.tokenBytes(tokenId)).toString('utf8')
        if (text.startsWith(spelling, position)) piece = spelling
      }
      offset += numCodePoints(piece)
      position += piece.length
      return start
    }
  }
}
