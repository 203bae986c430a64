// Original file: proto/tandem/v1/scheduler.proto


export interface DrainWorkerRequest {
  'workerId'?: (string);
}

export interface DrainWorkerRequest__Output {
  'workerId': (string);
}
