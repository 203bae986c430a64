// Original file: proto/tandem/v1/scheduler.proto

import type { SamplingParams as _tandem_v1_SamplingParams, SamplingParams__Output as _tandem_v1_SamplingParams__Output } from '../../tandem/v1/SamplingParams.js';

export interface GenerateRequest {
  'requestId'?: (string);
  'promptTokenIds'?: (number)[];
  'maxTokens'?: (number);
  'sampling'?: (_tandem_v1_SamplingParams | null);
  'outputTokenIds'?: (number)[];
}

export interface GenerateRequest__Output {
  'requestId': (string);
  'promptTokenIds': (number)[];
  'maxTokens': (number);
  'sampling': (_tandem_v1_SamplingParams__Output | null);
  'outputTokenIds': (number)[];
}
