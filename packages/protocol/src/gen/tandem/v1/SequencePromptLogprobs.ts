// Original file: proto/tandem/v1/worker.proto

import type { PromptLogprobs as _tandem_v1_PromptLogprobs, PromptLogprobs__Output as _tandem_v1_PromptLogprobs__Output } from '../../tandem/v1/PromptLogprobs.js';

export interface SequencePromptLogprobs {
  'seqId'?: (number);
  'tokens'?: (_tandem_v1_PromptLogprobs)[];
}

export interface SequencePromptLogprobs__Output {
  'seqId': (number);
  'tokens': (_tandem_v1_PromptLogprobs__Output)[];
}
