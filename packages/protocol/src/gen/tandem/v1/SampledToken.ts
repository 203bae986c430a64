// Original file: proto/tandem/v1/worker.proto

import type { TokenLogprobs as _tandem_v1_TokenLogprobs, TokenLogprobs__Output as _tandem_v1_TokenLogprobs__Output } from '../../tandem/v1/TokenLogprobs.js';
import type { FinishReason as _tandem_v1_FinishReason, FinishReason__Output as _tandem_v1_FinishReason__Output } from '../../tandem/v1/FinishReason.js';

export interface SampledToken {
  'seqId'?: (number);
  'position'?: (number);
  'tokenId'?: (number);
  'logprobs'?: (_tandem_v1_TokenLogprobs | null);
  'finishReason'?: (_tandem_v1_FinishReason);
  '_logprobs'?: "logprobs";
}

export interface SampledToken__Output {
  'seqId': (number);
  'position': (number);
  'tokenId': (number);
  'logprobs'?: (_tandem_v1_TokenLogprobs__Output | null);
  'finishReason': (_tandem_v1_FinishReason__Output);
  '_logprobs'?: "logprobs";
}
