// Owns the words between the HTTP side and the sequences of a request: a request has choices (prompts times n),
// each choice is one sequence.
import type { SamplingParams, TokenLogprobs } from '@tandem/core'

export interface ChoicePlan {
  readonly promptTokenIds: readonly number[]
  readonly maxTokens: number
  readonly sampling: SamplingParams
}

export interface TextOptions {
  readonly stop: readonly string[]
  readonly includeStop: boolean
  readonly skipSpecialTokens: boolean
}

export interface GenerationPlan {
  /** Prefix of the request ids of its sequences. */
  readonly id: string
  /** All choices of the first prompt, then all of the second. */
  readonly choices: readonly ChoicePlan[]
  readonly numChoicesPerPrompt: number
  /** Prompt tokens of all prompts, each counted once however many choices it has. */
  readonly numPromptTokens: number
  readonly text: TextOptions
}

/** Prompt position and what the model thought of the token there. */
export interface PromptLogprob extends TokenLogprobs {
  readonly position: number
}

/** What one step added to a choice. */
export interface ChoiceUpdate {
  readonly text: string
  /** Of the output tokens since the last update, when asked for. */
  readonly logprobs: readonly TokenLogprobs[]
  readonly finishReason: 'stop' | 'length' | undefined
  /** The stop string or stop token id that ended the choice; null for the model's own end token and for length. */
  readonly stopReason: string | number | null
}

export interface Usage {
  readonly numPromptTokens: number
  readonly numOutputTokens: number
  readonly numCachedTokens: number
}
