// Original file: proto/tandem/v1/worker.proto

import type { Long } from '@grpc/proto-loader';

export interface AssignmentReady {
  'epoch'?: (number);
  'weightBytes'?: (number | string | Long);
}

export interface AssignmentReady__Output {
  'epoch': (number);
  'weightBytes': (number);
}
