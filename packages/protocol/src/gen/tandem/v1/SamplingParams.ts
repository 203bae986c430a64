// Original file: proto/tandem/v1/common.proto

import type { LogitBias as _tandem_v1_LogitBias, LogitBias__Output as _tandem_v1_LogitBias__Output } from '../../tandem/v1/LogitBias.js';
import type { Long } from '@grpc/proto-loader';

export interface SamplingParams {
  'temperature'?: (number | string);
  'topK'?: (number);
  'topP'?: (number | string);
  'minP'?: (number | string);
  'seed'?: (number | string | Long);
  'repetitionPenalty'?: (number | string);
  'presencePenalty'?: (number | string);
  'frequencyPenalty'?: (number | string);
  'logitBias'?: (_tandem_v1_LogitBias)[];
  'stopTokenIds'?: (number)[];
  'logprobs'?: (number);
  'promptLogprobs'?: (number);
  '_logprobs'?: "logprobs";
  '_promptLogprobs'?: "promptLogprobs";
}

export interface SamplingParams__Output {
  'temperature': (number);
  'topK': (number);
  'topP': (number);
  'minP': (number);
  'seed': (number);
  'repetitionPenalty': (number);
  'presencePenalty': (number);
  'frequencyPenalty': (number);
  'logitBias': (_tandem_v1_LogitBias__Output)[];
  'stopTokenIds': (number)[];
  'logprobs'?: (number);
  'promptLogprobs'?: (number);
  '_logprobs'?: "logprobs";
  '_promptLogprobs'?: "promptLogprobs";
}
