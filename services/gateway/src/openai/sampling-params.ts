// Owns the translation of request fields into SamplingParams. Ranges are the schema's; only what a schema cannot
// say (token ids against the vocabulary) is checked here.
import { randomBytes } from 'node:crypto'
import type { SamplingParams } from '@tandem/core'
import { gatewayError } from '../errors.js'
import type { TextOptions } from '../generation/types.js'
import type { SamplingFields } from './sampling-schema.js'

const NUM_SEEDS = 2 ** 53

export interface LogprobsWanted {
  readonly logprobs?: number
  readonly promptLogprobs?: number
}

export interface VocabularyFacts {
  readonly vocabSize: number
  readonly eosTokenIds: readonly number[]
}

/** Throws `invalid_value` for token ids outside of the vocabulary. The seed is random when none is given. */
export function samplingParamsOf (fields: SamplingFields, wanted: LogprobsWanted, facts: VocabularyFacts): SamplingParams {
  const stopTokenIds = fields.stop_token_ids ?? []
  for (const id of stopTokenIds) requireTokenId('stop_token_ids', id, facts.vocabSize)
  return {
    temperature: fields.temperature ?? 1,
    topK: Math.max(0, fields.top_k ?? 0),
    topP: fields.top_p ?? 1,
    minP: fields.min_p ?? 0,
    seed: fields.seed ?? randomSeed(),
    repetitionPenalty: fields.repetition_penalty ?? 1,
    presencePenalty: fields.presence_penalty ?? 0,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    logitBias: logitBiasOf(fields.logit_bias ?? {}, facts.vocabSize),
    stopTokenIds: fields.ignore_eos === true ? stopTokenIds : [...new Set([...facts.eosTokenIds, ...stopTokenIds])],
    ...wanted
  }
}

/** Choices of one request draw from seeds that follow each other, so that they differ and can be repeated. */
export function seedOfChoice (seed: number, choiceIdx: number): number {
  // The sum itself may be too large to be exact.
  const room = NUM_SEEDS - choiceIdx
  return seed < room ? seed + choiceIdx : seed - room
}

export function textOptionsOf (fields: SamplingFields): TextOptions {
  return {
    stop: fields.stop === undefined ? [] : typeof fields.stop === 'string' ? [fields.stop] : fields.stop,
    includeStop: fields.include_stop_str_in_output ?? false,
    skipSpecialTokens: fields.skip_special_tokens ?? true
  }
}

export function requireTokenId (param: string, tokenId: number, vocabSize: number): void {
  if (tokenId >= vocabSize) {
    throw gatewayError('invalid_value', { param, reason: `token id ${tokenId} is outside of the vocabulary of ${vocabSize}` })
  }
}

function logitBiasOf (biases: Readonly<Record<string, number>>, vocabSize: number): Array<readonly [number, number]> {
  return Object.entries(biases).map(([key, bias]) => {
    if (!/^\d{1,10}$/.test(key)) throw gatewayError('invalid_value', { param: 'logit_bias', reason: `'${key}' is not a token id` })
    requireTokenId('logit_bias', Number(key), vocabSize)
    return [Number(key), bias] as const
  })
}

/** Uniform in [0, 2^53). */
function randomSeed (): number {
  return Number(randomBytes(8).readBigUInt64LE() >> 11n)
}
