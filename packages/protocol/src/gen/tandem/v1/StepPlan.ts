// Original file: proto/tandem/v1/worker.proto

import type { NewSequence as _tandem_v1_NewSequence, NewSequence__Output as _tandem_v1_NewSequence__Output } from '../../tandem/v1/NewSequence.js';
import type { ScheduledSequence as _tandem_v1_ScheduledSequence, ScheduledSequence__Output as _tandem_v1_ScheduledSequence__Output } from '../../tandem/v1/ScheduledSequence.js';
import type { Long } from '@grpc/proto-loader';

export interface StepPlan {
  'stepId'?: (number | string | Long);
  'removedSeqIds'?: (number)[];
  'newSequences'?: (_tandem_v1_NewSequence)[];
  'scheduled'?: (_tandem_v1_ScheduledSequence)[];
  'ffnInstanceOfUbatch'?: (number)[];
}

export interface StepPlan__Output {
  'stepId': (number);
  'removedSeqIds': (number)[];
  'newSequences': (_tandem_v1_NewSequence__Output)[];
  'scheduled': (_tandem_v1_ScheduledSequence__Output)[];
  'ffnInstanceOfUbatch': (number)[];
}
