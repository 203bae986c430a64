import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AbortRequest as _tandem_v1_AbortRequest, AbortRequest__Output as _tandem_v1_AbortRequest__Output } from './tandem/v1/AbortRequest.js';
import type { AssignmentReady as _tandem_v1_AssignmentReady, AssignmentReady__Output as _tandem_v1_AssignmentReady__Output } from './tandem/v1/AssignmentReady.js';
import type { Cluster as _tandem_v1_Cluster, Cluster__Output as _tandem_v1_Cluster__Output } from './tandem/v1/Cluster.js';
import type { DrainRequested as _tandem_v1_DrainRequested, DrainRequested__Output as _tandem_v1_DrainRequested__Output } from './tandem/v1/DrainRequested.js';
import type { DrainWorkerRequest as _tandem_v1_DrainWorkerRequest, DrainWorkerRequest__Output as _tandem_v1_DrainWorkerRequest__Output } from './tandem/v1/DrainWorkerRequest.js';
import type { DrainWorkerResponse as _tandem_v1_DrainWorkerResponse, DrainWorkerResponse__Output as _tandem_v1_DrainWorkerResponse__Output } from './tandem/v1/DrainWorkerResponse.js';
import type { Drained as _tandem_v1_Drained, Drained__Output as _tandem_v1_Drained__Output } from './tandem/v1/Drained.js';
import type { Error as _tandem_v1_Error, Error__Output as _tandem_v1_Error__Output } from './tandem/v1/Error.js';
import type { FfnAssignment as _tandem_v1_FfnAssignment, FfnAssignment__Output as _tandem_v1_FfnAssignment__Output } from './tandem/v1/FfnAssignment.js';
import type { FfnEndpoint as _tandem_v1_FfnEndpoint, FfnEndpoint__Output as _tandem_v1_FfnEndpoint__Output } from './tandem/v1/FfnEndpoint.js';
import type { FfnInstance as _tandem_v1_FfnInstance, FfnInstance__Output as _tandem_v1_FfnInstance__Output } from './tandem/v1/FfnInstance.js';
import type { FfnMember as _tandem_v1_FfnMember, FfnMember__Output as _tandem_v1_FfnMember__Output } from './tandem/v1/FfnMember.js';
import type { FfnTopology as _tandem_v1_FfnTopology, FfnTopology__Output as _tandem_v1_FfnTopology__Output } from './tandem/v1/FfnTopology.js';
import type { GatewayMessage as _tandem_v1_GatewayMessage, GatewayMessage__Output as _tandem_v1_GatewayMessage__Output } from './tandem/v1/GatewayMessage.js';
import type { GenerateRequest as _tandem_v1_GenerateRequest, GenerateRequest__Output as _tandem_v1_GenerateRequest__Output } from './tandem/v1/GenerateRequest.js';
import type { GetClusterRequest as _tandem_v1_GetClusterRequest, GetClusterRequest__Output as _tandem_v1_GetClusterRequest__Output } from './tandem/v1/GetClusterRequest.js';
import type { GetMetricsRequest as _tandem_v1_GetMetricsRequest, GetMetricsRequest__Output as _tandem_v1_GetMetricsRequest__Output } from './tandem/v1/GetMetricsRequest.js';
import type { GetMetricsResponse as _tandem_v1_GetMetricsResponse, GetMetricsResponse__Output as _tandem_v1_GetMetricsResponse__Output } from './tandem/v1/GetMetricsResponse.js';
import type { Heartbeat as _tandem_v1_Heartbeat, Heartbeat__Output as _tandem_v1_Heartbeat__Output } from './tandem/v1/Heartbeat.js';
import type { LauncherCommand as _tandem_v1_LauncherCommand, LauncherCommand__Output as _tandem_v1_LauncherCommand__Output } from './tandem/v1/LauncherCommand.js';
import type { LauncherHello as _tandem_v1_LauncherHello, LauncherHello__Output as _tandem_v1_LauncherHello__Output } from './tandem/v1/LauncherHello.js';
import type { LauncherMessage as _tandem_v1_LauncherMessage, LauncherMessage__Output as _tandem_v1_LauncherMessage__Output } from './tandem/v1/LauncherMessage.js';
import type { LogitBias as _tandem_v1_LogitBias, LogitBias__Output as _tandem_v1_LogitBias__Output } from './tandem/v1/LogitBias.js';
import type { NewSequence as _tandem_v1_NewSequence, NewSequence__Output as _tandem_v1_NewSequence__Output } from './tandem/v1/NewSequence.js';
import type { OutputToken as _tandem_v1_OutputToken, OutputToken__Output as _tandem_v1_OutputToken__Output } from './tandem/v1/OutputToken.js';
import type { PeerDown as _tandem_v1_PeerDown, PeerDown__Output as _tandem_v1_PeerDown__Output } from './tandem/v1/PeerDown.js';
import type { PromptLogprobs as _tandem_v1_PromptLogprobs, PromptLogprobs__Output as _tandem_v1_PromptLogprobs__Output } from './tandem/v1/PromptLogprobs.js';
import type { RegisterAccepted as _tandem_v1_RegisterAccepted, RegisterAccepted__Output as _tandem_v1_RegisterAccepted__Output } from './tandem/v1/RegisterAccepted.js';
import type { RegisterWorker as _tandem_v1_RegisterWorker, RegisterWorker__Output as _tandem_v1_RegisterWorker__Output } from './tandem/v1/RegisterWorker.js';
import type { RequestEvent as _tandem_v1_RequestEvent, RequestEvent__Output as _tandem_v1_RequestEvent__Output } from './tandem/v1/RequestEvent.js';
import type { Retire as _tandem_v1_Retire, Retire__Output as _tandem_v1_Retire__Output } from './tandem/v1/Retire.js';
import type { SampledToken as _tandem_v1_SampledToken, SampledToken__Output as _tandem_v1_SampledToken__Output } from './tandem/v1/SampledToken.js';
import type { SamplingParams as _tandem_v1_SamplingParams, SamplingParams__Output as _tandem_v1_SamplingParams__Output } from './tandem/v1/SamplingParams.js';
import type { ScheduledSequence as _tandem_v1_ScheduledSequence, ScheduledSequence__Output as _tandem_v1_ScheduledSequence__Output } from './tandem/v1/ScheduledSequence.js';
import type { SchedulerClient as _tandem_v1_SchedulerClient, SchedulerDefinition as _tandem_v1_SchedulerDefinition } from './tandem/v1/Scheduler.js';
import type { SchedulerMessage as _tandem_v1_SchedulerMessage, SchedulerMessage__Output as _tandem_v1_SchedulerMessage__Output } from './tandem/v1/SchedulerMessage.js';
import type { SequencePromptLogprobs as _tandem_v1_SequencePromptLogprobs, SequencePromptLogprobs__Output as _tandem_v1_SequencePromptLogprobs__Output } from './tandem/v1/SequencePromptLogprobs.js';
import type { ServingState as _tandem_v1_ServingState, ServingState__Output as _tandem_v1_ServingState__Output } from './tandem/v1/ServingState.js';
import type { SetScaleRequest as _tandem_v1_SetScaleRequest, SetScaleRequest__Output as _tandem_v1_SetScaleRequest__Output } from './tandem/v1/SetScaleRequest.js';
import type { SetScaleResponse as _tandem_v1_SetScaleResponse, SetScaleResponse__Output as _tandem_v1_SetScaleResponse__Output } from './tandem/v1/SetScaleResponse.js';
import type { ShardRange as _tandem_v1_ShardRange, ShardRange__Output as _tandem_v1_ShardRange__Output } from './tandem/v1/ShardRange.js';
import type { StepPlan as _tandem_v1_StepPlan, StepPlan__Output as _tandem_v1_StepPlan__Output } from './tandem/v1/StepPlan.js';
import type { StepResult as _tandem_v1_StepResult, StepResult__Output as _tandem_v1_StepResult__Output } from './tandem/v1/StepResult.js';
import type { TokenLogprob as _tandem_v1_TokenLogprob, TokenLogprob__Output as _tandem_v1_TokenLogprob__Output } from './tandem/v1/TokenLogprob.js';
import type { TokenLogprobs as _tandem_v1_TokenLogprobs, TokenLogprobs__Output as _tandem_v1_TokenLogprobs__Output } from './tandem/v1/TokenLogprobs.js';
import type { TopologyReady as _tandem_v1_TopologyReady, TopologyReady__Output as _tandem_v1_TopologyReady__Output } from './tandem/v1/TopologyReady.js';
import type { WorkerCommand as _tandem_v1_WorkerCommand, WorkerCommand__Output as _tandem_v1_WorkerCommand__Output } from './tandem/v1/WorkerCommand.js';
import type { WorkerMessage as _tandem_v1_WorkerMessage, WorkerMessage__Output as _tandem_v1_WorkerMessage__Output } from './tandem/v1/WorkerMessage.js';
import type { WorkerStats as _tandem_v1_WorkerStats, WorkerStats__Output as _tandem_v1_WorkerStats__Output } from './tandem/v1/WorkerStats.js';
import type { WorkerStatus as _tandem_v1_WorkerStatus, WorkerStatus__Output as _tandem_v1_WorkerStatus__Output } from './tandem/v1/WorkerStatus.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tandem: {
    v1: {
      AbortRequest: MessageTypeDefinition<_tandem_v1_AbortRequest, _tandem_v1_AbortRequest__Output>
      AssignmentReady: MessageTypeDefinition<_tandem_v1_AssignmentReady, _tandem_v1_AssignmentReady__Output>
      Cluster: MessageTypeDefinition<_tandem_v1_Cluster, _tandem_v1_Cluster__Output>
      DrainRequested: MessageTypeDefinition<_tandem_v1_DrainRequested, _tandem_v1_DrainRequested__Output>
      DrainWorkerRequest: MessageTypeDefinition<_tandem_v1_DrainWorkerRequest, _tandem_v1_DrainWorkerRequest__Output>
      DrainWorkerResponse: MessageTypeDefinition<_tandem_v1_DrainWorkerResponse, _tandem_v1_DrainWorkerResponse__Output>
      Drained: MessageTypeDefinition<_tandem_v1_Drained, _tandem_v1_Drained__Output>
      Error: MessageTypeDefinition<_tandem_v1_Error, _tandem_v1_Error__Output>
      FfnAssignment: MessageTypeDefinition<_tandem_v1_FfnAssignment, _tandem_v1_FfnAssignment__Output>
      FfnEndpoint: MessageTypeDefinition<_tandem_v1_FfnEndpoint, _tandem_v1_FfnEndpoint__Output>
      FfnInstance: MessageTypeDefinition<_tandem_v1_FfnInstance, _tandem_v1_FfnInstance__Output>
      FfnMember: MessageTypeDefinition<_tandem_v1_FfnMember, _tandem_v1_FfnMember__Output>
      FfnSplit: EnumTypeDefinition
      FfnTopology: MessageTypeDefinition<_tandem_v1_FfnTopology, _tandem_v1_FfnTopology__Output>
      FinishReason: EnumTypeDefinition
      GatewayMessage: MessageTypeDefinition<_tandem_v1_GatewayMessage, _tandem_v1_GatewayMessage__Output>
      GenerateRequest: MessageTypeDefinition<_tandem_v1_GenerateRequest, _tandem_v1_GenerateRequest__Output>
      GetClusterRequest: MessageTypeDefinition<_tandem_v1_GetClusterRequest, _tandem_v1_GetClusterRequest__Output>
      GetMetricsRequest: MessageTypeDefinition<_tandem_v1_GetMetricsRequest, _tandem_v1_GetMetricsRequest__Output>
      GetMetricsResponse: MessageTypeDefinition<_tandem_v1_GetMetricsResponse, _tandem_v1_GetMetricsResponse__Output>
      Heartbeat: MessageTypeDefinition<_tandem_v1_Heartbeat, _tandem_v1_Heartbeat__Output>
      LauncherCommand: MessageTypeDefinition<_tandem_v1_LauncherCommand, _tandem_v1_LauncherCommand__Output>
      LauncherHello: MessageTypeDefinition<_tandem_v1_LauncherHello, _tandem_v1_LauncherHello__Output>
      LauncherMessage: MessageTypeDefinition<_tandem_v1_LauncherMessage, _tandem_v1_LauncherMessage__Output>
      LogitBias: MessageTypeDefinition<_tandem_v1_LogitBias, _tandem_v1_LogitBias__Output>
      NewSequence: MessageTypeDefinition<_tandem_v1_NewSequence, _tandem_v1_NewSequence__Output>
      OutputToken: MessageTypeDefinition<_tandem_v1_OutputToken, _tandem_v1_OutputToken__Output>
      PeerDown: MessageTypeDefinition<_tandem_v1_PeerDown, _tandem_v1_PeerDown__Output>
      PromptLogprobs: MessageTypeDefinition<_tandem_v1_PromptLogprobs, _tandem_v1_PromptLogprobs__Output>
      RegisterAccepted: MessageTypeDefinition<_tandem_v1_RegisterAccepted, _tandem_v1_RegisterAccepted__Output>
      RegisterWorker: MessageTypeDefinition<_tandem_v1_RegisterWorker, _tandem_v1_RegisterWorker__Output>
      RequestEvent: MessageTypeDefinition<_tandem_v1_RequestEvent, _tandem_v1_RequestEvent__Output>
      Retire: MessageTypeDefinition<_tandem_v1_Retire, _tandem_v1_Retire__Output>
      SampledToken: MessageTypeDefinition<_tandem_v1_SampledToken, _tandem_v1_SampledToken__Output>
      SamplingParams: MessageTypeDefinition<_tandem_v1_SamplingParams, _tandem_v1_SamplingParams__Output>
      ScheduledSequence: MessageTypeDefinition<_tandem_v1_ScheduledSequence, _tandem_v1_ScheduledSequence__Output>
      Scheduler: SubtypeConstructor<typeof grpc.Client, _tandem_v1_SchedulerClient> & { service: _tandem_v1_SchedulerDefinition }
      SchedulerMessage: MessageTypeDefinition<_tandem_v1_SchedulerMessage, _tandem_v1_SchedulerMessage__Output>
      SequencePromptLogprobs: MessageTypeDefinition<_tandem_v1_SequencePromptLogprobs, _tandem_v1_SequencePromptLogprobs__Output>
      ServingState: MessageTypeDefinition<_tandem_v1_ServingState, _tandem_v1_ServingState__Output>
      SetScaleRequest: MessageTypeDefinition<_tandem_v1_SetScaleRequest, _tandem_v1_SetScaleRequest__Output>
      SetScaleResponse: MessageTypeDefinition<_tandem_v1_SetScaleResponse, _tandem_v1_SetScaleResponse__Output>
      ShardRange: MessageTypeDefinition<_tandem_v1_ShardRange, _tandem_v1_ShardRange__Output>
      StepPlan: MessageTypeDefinition<_tandem_v1_StepPlan, _tandem_v1_StepPlan__Output>
      StepResult: MessageTypeDefinition<_tandem_v1_StepResult, _tandem_v1_StepResult__Output>
      TokenLogprob: MessageTypeDefinition<_tandem_v1_TokenLogprob, _tandem_v1_TokenLogprob__Output>
      TokenLogprobs: MessageTypeDefinition<_tandem_v1_TokenLogprobs, _tandem_v1_TokenLogprobs__Output>
      TopologyReady: MessageTypeDefinition<_tandem_v1_TopologyReady, _tandem_v1_TopologyReady__Output>
      WorkerCommand: MessageTypeDefinition<_tandem_v1_WorkerCommand, _tandem_v1_WorkerCommand__Output>
      WorkerMessage: MessageTypeDefinition<_tandem_v1_WorkerMessage, _tandem_v1_WorkerMessage__Output>
      WorkerRole: EnumTypeDefinition
      WorkerStats: MessageTypeDefinition<_tandem_v1_WorkerStats, _tandem_v1_WorkerStats__Output>
      WorkerStatus: MessageTypeDefinition<_tandem_v1_WorkerStatus, _tandem_v1_WorkerStatus__Output>
    }
  }
}

