// Owns the translation of steps between the wire and the engine.
import type { TokenLogprobs } from '@tandem/core'
import { greedySampling } from '@tandem/core'
import type { PromptLogprobs, StepPlan, StepResult } from '@tandem/engine'
import { finishReasonToMessage, logprobsToMessage, samplingFromMessage } from '@tandem/protocol'
import type {
  PromptLogprobsMessage, SequencePromptLogprobsMessage, StepPlan__Output, StepResultMessage
} from '@tandem/protocol'

/** Plans have the engine's shape already; only the sampling of new sequences is converted. */
export function planFromMessage (message: StepPlan__Output): StepPlan {
  return {
    ...message,
    newSequences: message.newSequences.map(sequence => ({
      ...sequence,
      sampling: sequence.sampling ? samplingFromMessage(sequence.sampling) : greedySampling
    }))
  }
}

export function resultToMessage ({ stepId, sampled, promptLogprobs, timings }: StepResult): StepResultMessage {
  return {
    stepId,
    ...timings,
    sampled: sampled.map(({ seqId, position, tokenId, logprobs, finishReason }) => ({
      seqId,
      position,
      tokenId,
      finishReason: finishReasonToMessage(finishReason),
      ...(logprobs === undefined ? {} : { logprobs: logprobsToMessage(logprobs) })
    })),
    promptLogprobs: bySequence(promptLogprobs)
  }
}

function bySequence (promptLogprobs: readonly PromptLogprobs[]): SequencePromptLogprobsMessage[] {
  const groups = new Map<number, PromptLogprobsMessage[]>()
  for (const { seqId, position, logprobs } of promptLogprobs) {
    const group = groups.get(seqId) ?? []
    group.push(promptToken(position, logprobs))
    groups.set(seqId, group)
  }
  return [...groups].map(([seqId, tokens]) => ({ seqId, tokens }))
}

function promptToken (position: number, logprobs: TokenLogprobs): PromptLogprobsMessage {
  return { position, tokenId: logprobs.tokenId, logprobs: logprobsToMessage(logprobs) }
}
