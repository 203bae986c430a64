// Original file: proto/tandem/v1/scheduler.proto

import type { OutputToken as _tandem_v1_OutputToken, OutputToken__Output as _tandem_v1_OutputToken__Output } from '../../tandem/v1/OutputToken.js';
import type { FinishReason as _tandem_v1_FinishReason, FinishReason__Output as _tandem_v1_FinishReason__Output } from '../../tandem/v1/FinishReason.js';
import type { Error as _tandem_v1_Error, Error__Output as _tandem_v1_Error__Output } from '../../tandem/v1/Error.js';
import type { PromptLogprobs as _tandem_v1_PromptLogprobs, PromptLogprobs__Output as _tandem_v1_PromptLogprobs__Output } from '../../tandem/v1/PromptLogprobs.js';

export interface RequestEvent {
  'requestId'?: (string);
  'tokens'?: (_tandem_v1_OutputToken)[];
  'finishReason'?: (_tandem_v1_FinishReason);
  'error'?: (_tandem_v1_Error | null);
  'numCachedTokens'?: (number);
  'promptLogprobs'?: (_tandem_v1_PromptLogprobs)[];
  '_error'?: "error";
}

export interface RequestEvent__Output {
  'requestId': (string);
  'tokens': (_tandem_v1_OutputToken__Output)[];
  'finishReason': (_tandem_v1_FinishReason__Output);
  'error'?: (_tandem_v1_Error__Output | null);
  'numCachedTokens': (number);
  'promptLogprobs': (_tandem_v1_PromptLogprobs__Output)[];
  '_error'?: "error";
}
