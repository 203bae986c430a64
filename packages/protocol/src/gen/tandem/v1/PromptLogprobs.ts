// Original file: proto/tandem/v1/common.proto

import type { TokenLogprobs as _tandem_v1_TokenLogprobs, TokenLogprobs__Output as _tandem_v1_TokenLogprobs__Output } from '../../tandem/v1/TokenLogprobs.js';

export interface PromptLogprobs {
  'position'?: (number);
  'tokenId'?: (number);
  'logprobs'?: (_tandem_v1_TokenLogprobs | null);
}

export interface PromptLogprobs__Output {
  'position': (number);
  'tokenId': (number);
  'logprobs': (_tandem_v1_TokenLogprobs__Output | null);
}
