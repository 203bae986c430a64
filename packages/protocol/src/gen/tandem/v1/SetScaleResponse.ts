// Original file: proto/tandem/v1/scheduler.proto


export interface SetScaleResponse {
  'attention'?: (number);
  'ffn'?: (number);
}

export interface SetScaleResponse__Output {
  'attention': (number);
  'ffn': (number);
}
