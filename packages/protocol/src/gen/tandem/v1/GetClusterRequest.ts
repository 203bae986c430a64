// Original file: proto/tandem/v1/scheduler.proto


export interface GetClusterRequest {
}

export interface GetClusterRequest__Output {
}
