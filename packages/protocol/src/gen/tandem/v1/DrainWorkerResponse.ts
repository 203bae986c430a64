// Original file: proto/tandem/v1/scheduler.proto


export interface DrainWorkerResponse {
}

export interface DrainWorkerResponse__Output {
}
