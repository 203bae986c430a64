// Original file: proto/tandem/v1/scheduler.proto

import type { TokenLogprobs as _tandem_v1_TokenLogprobs, TokenLogprobs__Output as _tandem_v1_TokenLogprobs__Output } from '../../tandem/v1/TokenLogprobs.js';

export interface OutputToken {
  'tokenId'?: (number);
  'logprobs'?: (_tandem_v1_TokenLogprobs | null);
  '_logprobs'?: "logprobs";
}

export interface OutputToken__Output {
  'tokenId': (number);
  'logprobs'?: (_tandem_v1_TokenLogprobs__Output | null);
  '_logprobs'?: "logprobs";
}
