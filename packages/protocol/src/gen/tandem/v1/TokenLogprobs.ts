// Original file: proto/tandem/v1/common.proto

import type { TokenLogprob as _tandem_v1_TokenLogprob, TokenLogprob__Output as _tandem_v1_TokenLogprob__Output } from '../../tandem/v1/TokenLogprob.js';

export interface TokenLogprobs {
  'logprob'?: (number | string);
  'rank'?: (number);
  'top'?: (_tandem_v1_TokenLogprob)[];
}

export interface TokenLogprobs__Output {
  'logprob': (number);
  'rank': (number);
  'top': (_tandem_v1_TokenLogprob__Output)[];
}
