// Original file: proto/tandem/v1/scheduler.proto


export interface GetMetricsResponse {
  'text'?: (string);
}

export interface GetMetricsResponse__Output {
  'text': (string);
}
