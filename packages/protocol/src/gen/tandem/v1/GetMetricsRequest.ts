// Original file: proto/tandem/v1/scheduler.proto


export interface GetMetricsRequest {
}

export interface GetMetricsRequest__Output {
}
