// Original file: proto/tandem/v1/common.proto


export interface Error {
  'code'?: (string);
  'message'?: (string);
  'param'?: (string);
  'retryable'?: (boolean);
  '_param'?: "param";
}

export interface Error__Output {
  'code': (string);
  'message': (string);
  'param'?: (string);
  'retryable': (boolean);
  '_param'?: "param";
}
