// Original file: proto/tandem/v1/scheduler.proto

import type { WorkerRole as _tandem_v1_WorkerRole, WorkerRole__Output as _tandem_v1_WorkerRole__Output } from '../../tandem/v1/WorkerRole.js';
import type { WorkerStats as _tandem_v1_WorkerStats, WorkerStats__Output as _tandem_v1_WorkerStats__Output } from '../../tandem/v1/WorkerStats.js';
import type { FfnAssignment as _tandem_v1_FfnAssignment, FfnAssignment__Output as _tandem_v1_FfnAssignment__Output } from '../../tandem/v1/FfnAssignment.js';
import type { FfnEndpoint as _tandem_v1_FfnEndpoint, FfnEndpoint__Output as _tandem_v1_FfnEndpoint__Output } from '../../tandem/v1/FfnEndpoint.js';
import type { Long } from '@grpc/proto-loader';

export interface WorkerStatus {
  'workerId'?: (string);
  'role'?: (_tandem_v1_WorkerRole);
  'state'?: (string);
  'backend'?: (string);
  'backendReason'?: (string);
  'host'?: (string);
  'pid'?: (number);
  'stats'?: (_tandem_v1_WorkerStats | null);
  'numKvBlocks'?: (number);
  'numFreeKvBlocks'?: (number);
  'blockSize'?: (number);
  'kvCacheBytes'?: (number | string | Long);
  'kvDtype'?: (string);
  'numRunning'?: (number);
  'assignment'?: (_tandem_v1_FfnAssignment | null);
  'endpoints'?: (_tandem_v1_FfnEndpoint)[];
  'heartbeatAgeMs'?: (number);
  'colocated'?: (boolean);
  '_assignment'?: "assignment";
}

export interface WorkerStatus__Output {
  'workerId': (string);
  'role': (_tandem_v1_WorkerRole__Output);
  'state': (string);
  'backend': (string);
  'backendReason': (string);
  'host': (string);
  'pid': (number);
  'stats': (_tandem_v1_WorkerStats__Output | null);
  'numKvBlocks': (number);
  'numFreeKvBlocks': (number);
  'blockSize': (number);
  'kvCacheBytes': (number);
  'kvDtype': (string);
  'numRunning': (number);
  'assignment'?: (_tandem_v1_FfnAssignment__Output | null);
  'endpoints': (_tandem_v1_FfnEndpoint__Output)[];
  'heartbeatAgeMs': (number);
  'colocated': (boolean);
  '_assignment'?: "assignment";
}
