// Original file: proto/tandem/v1/common.proto


export interface FfnEndpoint {
  'connector'?: (string);
  'address'?: (string);
  'hostId'?: (string);
}

export interface FfnEndpoint__Output {
  'connector': (string);
  'address': (string);
  'hostId': (string);
}
