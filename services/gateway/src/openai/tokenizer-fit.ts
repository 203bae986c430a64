// Owns whether a tokenizer and a model belong together. Padded vocabularies are larger than their tokenizers, and some checkpoints add
// tokens that the model has no row for; those come up only where a text spells them, and then the request is refused.
import type { Tokenizer } from '@tandem/tokenizer'
import type { Logger } from 'pino'
import { gatewayError } from '../errors.js'

/** Throws `tokenizer_mismatch` where ordinary text would encode to ids that the model does not have. */
export function checkFit ({ numIds, numTextIds }: Pick<Tokenizer, 'numIds' | 'numTextIds'>, vocabSize: number, logger: Logger): void {
  if (numTextIds > vocabSize) throw gatewayError('tokenizer_mismatch', { numTextIds, vocabSize })
  if (numIds > vocabSize) logger.warn({ numIds, vocabSize }, 'the tokenizer adds tokens that the model does not have: prompts that spell them are refused')
}
