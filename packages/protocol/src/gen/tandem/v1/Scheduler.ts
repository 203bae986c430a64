// Original file: proto/tandem/v1/scheduler.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Cluster as _tandem_v1_Cluster, Cluster__Output as _tandem_v1_Cluster__Output } from '../../tandem/v1/Cluster.js';
import type { DrainWorkerRequest as _tandem_v1_DrainWorkerRequest, DrainWorkerRequest__Output as _tandem_v1_DrainWorkerRequest__Output } from '../../tandem/v1/DrainWorkerRequest.js';
import type { DrainWorkerResponse as _tandem_v1_DrainWorkerResponse, DrainWorkerResponse__Output as _tandem_v1_DrainWorkerResponse__Output } from '../../tandem/v1/DrainWorkerResponse.js';
import type { GatewayMessage as _tandem_v1_GatewayMessage, GatewayMessage__Output as _tandem_v1_GatewayMessage__Output } from '../../tandem/v1/GatewayMessage.js';
import type { GetClusterRequest as _tandem_v1_GetClusterRequest, GetClusterRequest__Output as _tandem_v1_GetClusterRequest__Output } from '../../tandem/v1/GetClusterRequest.js';
import type { GetMetricsRequest as _tandem_v1_GetMetricsRequest, GetMetricsRequest__Output as _tandem_v1_GetMetricsRequest__Output } from '../../tandem/v1/GetMetricsRequest.js';
import type { GetMetricsResponse as _tandem_v1_GetMetricsResponse, GetMetricsResponse__Output as _tandem_v1_GetMetricsResponse__Output } from '../../tandem/v1/GetMetricsResponse.js';
import type { LauncherCommand as _tandem_v1_LauncherCommand, LauncherCommand__Output as _tandem_v1_LauncherCommand__Output } from '../../tandem/v1/LauncherCommand.js';
import type { LauncherMessage as _tandem_v1_LauncherMessage, LauncherMessage__Output as _tandem_v1_LauncherMessage__Output } from '../../tandem/v1/LauncherMessage.js';
import type { SchedulerMessage as _tandem_v1_SchedulerMessage, SchedulerMessage__Output as _tandem_v1_SchedulerMessage__Output } from '../../tandem/v1/SchedulerMessage.js';
import type { SetScaleRequest as _tandem_v1_SetScaleRequest, SetScaleRequest__Output as _tandem_v1_SetScaleRequest__Output } from '../../tandem/v1/SetScaleRequest.js';
import type { SetScaleResponse as _tandem_v1_SetScaleResponse, SetScaleResponse__Output as _tandem_v1_SetScaleResponse__Output } from '../../tandem/v1/SetScaleResponse.js';
import type { WorkerCommand as _tandem_v1_WorkerCommand, WorkerCommand__Output as _tandem_v1_WorkerCommand__Output } from '../../tandem/v1/WorkerCommand.js';
import type { WorkerMessage as _tandem_v1_WorkerMessage, WorkerMessage__Output as _tandem_v1_WorkerMessage__Output } from '../../tandem/v1/WorkerMessage.js';

export interface SchedulerClient extends grpc.Client {
  AttachLauncher(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_LauncherMessage, _tandem_v1_LauncherCommand__Output>;
  AttachLauncher(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_LauncherMessage, _tandem_v1_LauncherCommand__Output>;
  attachLauncher(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_LauncherMessage, _tandem_v1_LauncherCommand__Output>;
  attachLauncher(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_LauncherMessage, _tandem_v1_LauncherCommand__Output>;
  
  AttachWorker(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_WorkerMessage, _tandem_v1_WorkerCommand__Output>;
  AttachWorker(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_WorkerMessage, _tandem_v1_WorkerCommand__Output>;
  attachWorker(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_WorkerMessage, _tandem_v1_WorkerCommand__Output>;
  attachWorker(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_WorkerMessage, _tandem_v1_WorkerCommand__Output>;
  
  DrainWorker(argument: _tandem_v1_DrainWorkerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  DrainWorker(argument: _tandem_v1_DrainWorkerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  DrainWorker(argument: _tandem_v1_DrainWorkerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  DrainWorker(argument: _tandem_v1_DrainWorkerRequest, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  drainWorker(argument: _tandem_v1_DrainWorkerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  drainWorker(argument: _tandem_v1_DrainWorkerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  drainWorker(argument: _tandem_v1_DrainWorkerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  drainWorker(argument: _tandem_v1_DrainWorkerRequest, callback: grpc.requestCallback<_tandem_v1_DrainWorkerResponse__Output>): grpc.ClientUnaryCall;
  
  GetCluster(argument: _tandem_v1_GetClusterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  GetCluster(argument: _tandem_v1_GetClusterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  GetCluster(argument: _tandem_v1_GetClusterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  GetCluster(argument: _tandem_v1_GetClusterRequest, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  getCluster(argument: _tandem_v1_GetClusterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  getCluster(argument: _tandem_v1_GetClusterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  getCluster(argument: _tandem_v1_GetClusterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  getCluster(argument: _tandem_v1_GetClusterRequest, callback: grpc.requestCallback<_tandem_v1_Cluster__Output>): grpc.ClientUnaryCall;
  
  GetMetrics(argument: _tandem_v1_GetMetricsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  GetMetrics(argument: _tandem_v1_GetMetricsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  GetMetrics(argument: _tandem_v1_GetMetricsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  GetMetrics(argument: _tandem_v1_GetMetricsRequest, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  getMetrics(argument: _tandem_v1_GetMetricsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  getMetrics(argument: _tandem_v1_GetMetricsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  getMetrics(argument: _tandem_v1_GetMetricsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  getMetrics(argument: _tandem_v1_GetMetricsRequest, callback: grpc.requestCallback<_tandem_v1_GetMetricsResponse__Output>): grpc.ClientUnaryCall;
  
  Serve(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_GatewayMessage, _tandem_v1_SchedulerMessage__Output>;
  Serve(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_GatewayMessage, _tandem_v1_SchedulerMessage__Output>;
  serve(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_GatewayMessage, _tandem_v1_SchedulerMessage__Output>;
  serve(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tandem_v1_GatewayMessage, _tandem_v1_SchedulerMessage__Output>;
  
  SetScale(argument: _tandem_v1_SetScaleRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  SetScale(argument: _tandem_v1_SetScaleRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  SetScale(argument: _tandem_v1_SetScaleRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  SetScale(argument: _tandem_v1_SetScaleRequest, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  setScale(argument: _tandem_v1_SetScaleRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  setScale(argument: _tandem_v1_SetScaleRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  setScale(argument: _tandem_v1_SetScaleRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  setScale(argument: _tandem_v1_SetScaleRequest, callback: grpc.requestCallback<_tandem_v1_SetScaleResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface SchedulerHandlers extends grpc.UntypedServiceImplementation {
  AttachLauncher: grpc.handleBidiStreamingCall<_tandem_v1_LauncherMessage__Output, _tandem_v1_LauncherCommand>;
  
  AttachWorker: grpc.handleBidiStreamingCall<_tandem_v1_WorkerMessage__Output, _tandem_v1_WorkerCommand>;
  
  DrainWorker: grpc.handleUnaryCall<_tandem_v1_DrainWorkerRequest__Output, _tandem_v1_DrainWorkerResponse>;
  
  GetCluster: grpc.handleUnaryCall<_tandem_v1_GetClusterRequest__Output, _tandem_v1_Cluster>;
  
  GetMetrics: grpc.handleUnaryCall<_tandem_v1_GetMetricsRequest__Output, _tandem_v1_GetMetricsResponse>;
  
  Serve: grpc.handleBidiStreamingCall<_tandem_v1_GatewayMessage__Output, _tandem_v1_SchedulerMessage>;
  
  SetScale: grpc.handleUnaryCall<_tandem_v1_SetScaleRequest__Output, _tandem_v1_SetScaleResponse>;
  
}

export interface SchedulerDefinition extends grpc.ServiceDefinition {
  AttachLauncher: MethodDefinition<_tandem_v1_LauncherMessage, _tandem_v1_LauncherCommand, _tandem_v1_LauncherMessage__Output, _tandem_v1_LauncherCommand__Output>
  AttachWorker: MethodDefinition<_tandem_v1_WorkerMessage, _tandem_v1_WorkerCommand, _tandem_v1_WorkerMessage__Output, _tandem_v1_WorkerCommand__Output>
  DrainWorker: MethodDefinition<_tandem_v1_DrainWorkerRequest, _tandem_v1_DrainWorkerResponse, _tandem_v1_DrainWorkerRequest__Output, _tandem_v1_DrainWorkerResponse__Output>
  GetCluster: MethodDefinition<_tandem_v1_GetClusterRequest, _tandem_v1_Cluster, _tandem_v1_GetClusterRequest__Output, _tandem_v1_Cluster__Output>
  GetMetrics: MethodDefinition<_tandem_v1_GetMetricsRequest, _tandem_v1_GetMetricsResponse, _tandem_v1_GetMetricsRequest__Output, _tandem_v1_GetMetricsResponse__Output>
  Serve: MethodDefinition<_tandem_v1_GatewayMessage, _tandem_v1_SchedulerMessage, _tandem_v1_GatewayMessage__Output, _tandem_v1_SchedulerMessage__Output>
  SetScale: MethodDefinition<_tandem_v1_SetScaleRequest, _tandem_v1_SetScaleResponse, _tandem_v1_SetScaleRequest__Output, _tandem_v1_SetScaleResponse__Output>
}
