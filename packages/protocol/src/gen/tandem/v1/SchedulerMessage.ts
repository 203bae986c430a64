// Original file: proto/tandem/v1/scheduler.proto

import type { RequestEvent as _tandem_v1_RequestEvent, RequestEvent__Output as _tandem_v1_RequestEvent__Output } from '../../tandem/v1/RequestEvent.js';
import type { ServingState as _tandem_v1_ServingState, ServingState__Output as _tandem_v1_ServingState__Output } from '../../tandem/v1/ServingState.js';

export interface SchedulerMessage {
  'events'?: (_tandem_v1_RequestEvent)[];
  'state'?: (_tandem_v1_ServingState | null);
  '_state'?: "state";
}

export interface SchedulerMessage__Output {
  'events': (_tandem_v1_RequestEvent__Output)[];
  'state'?: (_tandem_v1_ServingState__Output | null);
  '_state'?: "state";
}
