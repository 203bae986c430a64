// Original file: proto/tandem/v1/worker.proto

import type { WorkerRole as _tandem_v1_WorkerRole, WorkerRole__Output as _tandem_v1_WorkerRole__Output } from '../../tandem/v1/WorkerRole.js';
import type { FfnEndpoint as _tandem_v1_FfnEndpoint, FfnEndpoint__Output as _tandem_v1_FfnEndpoint__Output } from '../../tandem/v1/FfnEndpoint.js';
import type { Long } from '@grpc/proto-loader';

export interface RegisterWorker {
  'workerId'?: (string);
  'role'?: (_tandem_v1_WorkerRole);
  'modelName'?: (string);
  'modelFingerprint'?: (string);
  'backend'?: (string);
  'backendReason'?: (string);
  'weightBytes'?: (number | string | Long);
  'pid'?: (number);
  'host'?: (string);
  'version'?: (string);
  'numKvBlocks'?: (number);
  'blockSize'?: (number);
  'kvCacheBytes'?: (number | string | Long);
  'kvDtype'?: (string);
  'maxModelLen'?: (number);
  'colocated'?: (boolean);
  'endpoints'?: (_tandem_v1_FfnEndpoint)[];
  'computeDtype'?: (string);
}

export interface RegisterWorker__Output {
  'workerId': (string);
  'role': (_tandem_v1_WorkerRole__Output);
  'modelName': (string);
  'modelFingerprint': (string);
  'backend': (string);
  'backendReason': (string);
  'weightBytes': (number);
  'pid': (number);
  'host': (string);
  'version': (string);
  'numKvBlocks': (number);
  'blockSize': (number);
  'kvCacheBytes': (number);
  'kvDtype': (string);
  'maxModelLen': (number);
  'colocated': (boolean);
  'endpoints': (_tandem_v1_FfnEndpoint__Output)[];
  'computeDtype': (string);
}
