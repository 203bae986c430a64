// Owns the vocabulary of sampling: what a request may ask and what a sampled token reports.
// Ranges are checked by the gateway (HTTP) and the scheduler (gRPC), not here.

export interface SamplingParams {
  /** 0 is greedy. */
  readonly temperature: number
  /** 0 keeps every token. */
  readonly topK: number
  /** Nucleus mass in (0, 1]; 1 keeps every token. */
  readonly topP: number
  /** Keeps tokens with p >= minP * max(p); 0 keeps every token. */
  readonly minP: number
  /** Key of the counter-based generator, below 2^53; the gateway draws one when the request gives none. */
  readonly seed: number
  /** Divides positive and multiplies negative logits of tokens seen in prompt or output; 1 is off. */
  readonly repetitionPenalty: number
  /** Subtracted once from logits of tokens seen in the output; 0 is off. */
  readonly presencePenalty: number
  /** Subtracted per occurrence in the output; 0 is off. */
  readonly frequencyPenalty: number
  /** Added to logits, by token id. */
  readonly logitBias: ReadonlyArray<readonly [tokenId: number, bias: number]>
  /** Tokens that end the sequence with finish_reason "stop"; the model's own end tokens are already in here unless ignore_eos. */
  readonly stopTokenIds: readonly number[]
  /** Number of alternatives to report per output token; undefined reports none, 0 only the chosen one. */
  readonly logprobs?: number
  /** The same for every prompt token but the first (teacher forcing, `echo`). */
  readonly promptLogprobs?: number
}

export const greedySampling: SamplingParams = Object.freeze({
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  seed: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
  stopTokenIds: []
})

/** How a request ended; exactly one per request. */
export type FinishReason = 'stop' | 'length' | 'abort' | 'error'

export interface TokenLogprob {
  readonly tokenId: number
  /** Natural log of the probability under the unmodified softmax of the logits (before penalties, bias and temperature). */
  readonly logprob: number
}

export interface TokenLogprobs extends TokenLogprob {
  /** 1 is the most likely token. */
  readonly rank: number
  readonly top: readonly TokenLogprob[]
}
