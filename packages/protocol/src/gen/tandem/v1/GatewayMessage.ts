// Original file: proto/tandem/v1/scheduler.proto

import type { GenerateRequest as _tandem_v1_GenerateRequest, GenerateRequest__Output as _tandem_v1_GenerateRequest__Output } from '../../tandem/v1/GenerateRequest.js';
import type { AbortRequest as _tandem_v1_AbortRequest, AbortRequest__Output as _tandem_v1_AbortRequest__Output } from '../../tandem/v1/AbortRequest.js';

export interface GatewayMessage {
  'generate'?: (_tandem_v1_GenerateRequest | null);
  'abort'?: (_tandem_v1_AbortRequest | null);
  'message'?: "generate"|"abort";
}

export interface GatewayMessage__Output {
  'generate'?: (_tandem_v1_GenerateRequest__Output | null);
  'abort'?: (_tandem_v1_AbortRequest__Output | null);
  'message'?: "generate"|"abort";
}
