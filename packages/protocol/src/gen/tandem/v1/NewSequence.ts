// Original file: proto/tandem/v1/worker.proto

import type { SamplingParams as _tandem_v1_SamplingParams, SamplingParams__Output as _tandem_v1_SamplingParams__Output } from '../../tandem/v1/SamplingParams.js';

export interface NewSequence {
  'seqId'?: (number);
  'tokenIds'?: (number)[];
  'numPromptTokens'?: (number);
  'maxTokens'?: (number);
  'sampling'?: (_tandem_v1_SamplingParams | null);
}

export interface NewSequence__Output {
  'seqId': (number);
  'tokenIds': (number)[];
  'numPromptTokens': (number);
  'maxTokens': (number);
  'sampling': (_tandem_v1_SamplingParams__Output | null);
}
