// Original file: proto/tandem/v1/scheduler.proto


export interface AbortRequest {
  'requestId'?: (string);
}

export interface AbortRequest__Output {
  'requestId': (string);
}
