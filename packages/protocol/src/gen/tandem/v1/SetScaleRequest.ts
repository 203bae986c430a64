// Original file: proto/tandem/v1/scheduler.proto


export interface SetScaleRequest {
  'attention'?: (number);
  'ffn'?: (number);
  'force'?: (boolean);
  '_attention'?: "attention";
  '_ffn'?: "ffn";
}

export interface SetScaleRequest__Output {
  'attention'?: (number);
  'ffn'?: (number);
  'force': (boolean);
  '_attention'?: "attention";
  '_ffn'?: "ffn";
}
