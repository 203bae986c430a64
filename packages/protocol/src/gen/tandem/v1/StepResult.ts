// Original file: proto/tandem/v1/worker.proto

import type { SampledToken as _tandem_v1_SampledToken, SampledToken__Output as _tandem_v1_SampledToken__Output } from '../../tandem/v1/SampledToken.js';
import type { SequencePromptLogprobs as _tandem_v1_SequencePromptLogprobs, SequencePromptLogprobs__Output as _tandem_v1_SequencePromptLogprobs__Output } from '../../tandem/v1/SequencePromptLogprobs.js';
import type { Error as _tandem_v1_Error, Error__Output as _tandem_v1_Error__Output } from '../../tandem/v1/Error.js';
import type { Long } from '@grpc/proto-loader';

export interface StepResult {
  'stepId'?: (number | string | Long);
  'sampled'?: (_tandem_v1_SampledToken)[];
  'promptLogprobs'?: (_tandem_v1_SequencePromptLogprobs)[];
  'stepUs'?: (number);
  'attentionUs'?: (number);
  'ffnWaitUs'?: (number);
  'sampleUs'?: (number);
  'error'?: (_tandem_v1_Error | null);
  '_error'?: "error";
}

export interface StepResult__Output {
  'stepId': (number);
  'sampled': (_tandem_v1_SampledToken__Output)[];
  'promptLogprobs': (_tandem_v1_SequencePromptLogprobs__Output)[];
  'stepUs': (number);
  'attentionUs': (number);
  'ffnWaitUs': (number);
  'sampleUs': (number);
  'error'?: (_tandem_v1_Error__Output | null);
  '_error'?: "error";
}
