// Owns the translation between core's vocabulary and the generated messages, once for both directions.
import type { FfnAssignment, FfnSplit, FfnTopology, FinishReason, SamplingParams, TokenLogprobs } from '@tandem/core'
import type { FfnAssignment as FfnAssignmentMessage, FfnAssignment__Output } from './gen/tandem/v1/FfnAssignment.js'
import type { FfnTopology as FfnTopologyMessage, FfnTopology__Output } from './gen/tandem/v1/FfnTopology.js'
import type { FinishReason__Output } from './gen/tandem/v1/FinishReason.js'
import type { SamplingParams as SamplingParamsMessage, SamplingParams__Output } from './gen/tandem/v1/SamplingParams.js'
import type { TokenLogprobs as TokenLogprobsMessage, TokenLogprobs__Output } from './gen/tandem/v1/TokenLogprobs.js'

export function samplingToMessage (sampling: SamplingParams): SamplingParamsMessage {
  return {
    ...sampling,
    logitBias: sampling.logitBias.map(([tokenId, bias]) => ({ tokenId, bias })),
    stopTokenIds: [...sampling.stopTokenIds]
  }
}

export function samplingFromMessage (message: SamplingParams__Output): SamplingParams {
  const { logprobs, promptLogprobs, logitBias, _logprobs, _promptLogprobs, ...rest } = message
  return {
    ...rest,
    logitBias: logitBias.map(entry => [entry.tokenId, entry.bias] as const),
    ...(_logprobs === 'logprobs' && logprobs !== undefined ? { logprobs } : {}),
    ...(_promptLogprobs === 'promptLogprobs' && promptLogprobs !== undefined ? { promptLogprobs } : {})
  }
}

const finishReasonNames = {
  FINISH_REASON_UNSPECIFIED: undefined,
  FINISH_REASON_STOP: 'stop',
  FINISH_REASON_LENGTH: 'length',
  FINISH_REASON_ABORT: 'abort',
  FINISH_REASON_ERROR: 'error'
} as const

export function finishReasonToMessage (reason: FinishReason | undefined): FinishReason__Output {
  if (reason === undefined) return 'FINISH_REASON_UNSPECIFIED'
  return `FINISH_REASON_${reason.toUpperCase()}` as FinishReason__Output
}

export function finishReasonFromMessage (reason: FinishReason__Output): FinishReason | undefined {
  return finishReasonNames[reason]
}

export function logprobsToMessage (logprobs: TokenLogprobs): TokenLogprobsMessage {
  return { logprob: logprobs.logprob, rank: logprobs.rank, top: [...logprobs.top] }
}

export function logprobsFromMessage (tokenId: number, message: TokenLogprobs__Output): TokenLogprobs {
  return { tokenId, logprob: message.logprob, rank: message.rank, top: message.top }
}

const splitToMessage = (split: FfnSplit) => split === 'ep' ? 'FFN_SPLIT_EP' : 'FFN_SPLIT_TP'
const splitFromMessage = (split: string): FfnSplit => split === 'FFN_SPLIT_TP' ? 'tp' : 'ep'

export function assignmentToMessage (assignment: FfnAssignment): FfnAssignmentMessage {
  return { ...assignment, split: splitToMessage(assignment.split) }
}

export function assignmentFromMessage (message: FfnAssignment__Output): FfnAssignment {
  return {
    ...message,
    split: splitFromMessage(message.split),
    shards: message.shards ?? { start: 0, end: 0 }
  }
}

export function topologyToMessage (topology: FfnTopology): FfnTopologyMessage {
  return {
    epoch: topology.epoch,
    split: splitToMessage(topology.split),
    instances: topology.instances.map(instance => ({
      instanceIdx: instance.instanceIdx,
      members: instance.members.map(member => ({
        workerId: member.workerId,
        shards: member.shards,
        endpoints: member.endpoints.map(endpoint => ({ ...endpoint }))
      }))
    }))
  }
}

export function topologyFromMessage (message: FfnTopology__Output): FfnTopology {
  return {
    epoch: message.epoch,
    split: splitFromMessage(message.split),
    instances: message.instances.map(instance => ({
      instanceIdx: instance.instanceIdx,
      members: instance.members.map(member => ({
        workerId: member.workerId,
        shards: member.shards ?? { start: 0, end: 0 },
        endpoints: member.endpoints.map(endpoint => ({
          connector: endpoint.connector as FfnTopology['instances'][number]['members'][number]['endpoints'][number]['connector'],
          address: endpoint.address,
          ...(endpoint.hostId === '' ? {} : { hostId: endpoint.hostId })
        }))
      }))
    }))
  }
}
