// Original file: proto/tandem/v1/scheduler.proto

import type { ServingState as _tandem_v1_ServingState, ServingState__Output as _tandem_v1_ServingState__Output } from '../../tandem/v1/ServingState.js';
import type { FfnSplit as _tandem_v1_FfnSplit, FfnSplit__Output as _tandem_v1_FfnSplit__Output } from '../../tandem/v1/FfnSplit.js';
import type { WorkerStatus as _tandem_v1_WorkerStatus, WorkerStatus__Output as _tandem_v1_WorkerStatus__Output } from '../../tandem/v1/WorkerStatus.js';

export interface Cluster {
  'state'?: (_tandem_v1_ServingState | null);
  'epoch'?: (number);
  'split'?: (_tandem_v1_FfnSplit);
  'workers'?: (_tandem_v1_WorkerStatus)[];
  'numRequestsRunning'?: (number);
  'numRequestsWaiting'?: (number);
  'targetAttention'?: (number);
  'targetFfn'?: (number);
  'hasLauncher'?: (boolean);
  'store'?: (string);
  'version'?: (string);
}

export interface Cluster__Output {
  'state': (_tandem_v1_ServingState__Output | null);
  'epoch': (number);
  'split': (_tandem_v1_FfnSplit__Output);
  'workers': (_tandem_v1_WorkerStatus__Output)[];
  'numRequestsRunning': (number);
  'numRequestsWaiting': (number);
  'targetAttention': (number);
  'targetFfn': (number);
  'hasLauncher': (boolean);
  'store': (string);
  'version': (string);
}
