import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Error as _tandem_v1_Error, Error__Output as _tandem_v1_Error__Output } from './tandem/v1/Error.js';
import type { FfnAssignment as _tandem_v1_FfnAssignment, FfnAssignment__Output as _tandem_v1_FfnAssignment__Output } from './tandem/v1/FfnAssignment.js';
import type { FfnEndpoint as _tandem_v1_FfnEndpoint, FfnEndpoint__Output as _tandem_v1_FfnEndpoint__Output } from './tandem/v1/FfnEndpoint.js';
import type { FfnInstance as _tandem_v1_FfnInstance, FfnInstance__Output as _tandem_v1_FfnInstance__Output } from './tandem/v1/FfnInstance.js';
import type { FfnMember as _tandem_v1_FfnMember, FfnMember__Output as _tandem_v1_FfnMember__Output } from './tandem/v1/FfnMember.js';
import type { FfnTopology as _tandem_v1_FfnTopology, FfnTopology__Output as _tandem_v1_FfnTopology__Output } from './tandem/v1/FfnTopology.js';
import type { LogitBias as _tandem_v1_LogitBias, LogitBias__Output as _tandem_v1_LogitBias__Output } from './tandem/v1/LogitBias.js';
import type { PromptLogprobs as _tandem_v1_PromptLogprobs, PromptLogprobs__Output as _tandem_v1_PromptLogprobs__Output } from './tandem/v1/PromptLogprobs.js';
import type { SamplingParams as _tandem_v1_SamplingParams, SamplingParams__Output as _tandem_v1_SamplingParams__Output } from './tandem/v1/SamplingParams.js';
import type { ShardRange as _tandem_v1_ShardRange, ShardRange__Output as _tandem_v1_ShardRange__Output } from './tandem/v1/ShardRange.js';
import type { TokenLogprob as _tandem_v1_TokenLogprob, TokenLogprob__Output as _tandem_v1_TokenLogprob__Output } from './tandem/v1/TokenLogprob.js';
import type { TokenLogprobs as _tandem_v1_TokenLogprobs, TokenLogprobs__Output as _tandem_v1_TokenLogprobs__Output } from './tandem/v1/TokenLogprobs.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tandem: {
    v1: {
      Error: MessageTypeDefinition<_tandem_v1_Error, _tandem_v1_Error__Output>
      FfnAssignment: MessageTypeDefinition<_tandem_v1_FfnAssignment, _tandem_v1_FfnAssignment__Output>
      FfnEndpoint: MessageTypeDefinition<_tandem_v1_FfnEndpoint, _tandem_v1_FfnEndpoint__Output>
      FfnInstance: MessageTypeDefinition<_tandem_v1_FfnInstance, _tandem_v1_FfnInstance__Output>
      FfnMember: MessageTypeDefinition<_tandem_v1_FfnMember, _tandem_v1_FfnMember__Output>
      FfnSplit: EnumTypeDefinition
      FfnTopology: MessageTypeDefinition<_tandem_v1_FfnTopology, _tandem_v1_FfnTopology__Output>
      FinishReason: EnumTypeDefinition
      LogitBias: MessageTypeDefinition<_tandem_v1_LogitBias, _tandem_v1_LogitBias__Output>
      PromptLogprobs: MessageTypeDefinition<_tandem_v1_PromptLogprobs, _tandem_v1_PromptLogprobs__Output>
      SamplingParams: MessageTypeDefinition<_tandem_v1_SamplingParams, _tandem_v1_SamplingParams__Output>
      ShardRange: MessageTypeDefinition<_tandem_v1_ShardRange, _tandem_v1_ShardRange__Output>
      TokenLogprob: MessageTypeDefinition<_tandem_v1_TokenLogprob, _tandem_v1_TokenLogprob__Output>
      TokenLogprobs: MessageTypeDefinition<_tandem_v1_TokenLogprobs, _tandem_v1_TokenLogprobs__Output>
      WorkerRole: EnumTypeDefinition
    }
  }
}

