// Original file: proto/tandem/v1/worker.proto


export interface RegisterAccepted {
  'workerNumber'?: (number);
  'heartbeatIntervalMs'?: (number);
}

export interface RegisterAccepted__Output {
  'workerNumber': (number);
  'heartbeatIntervalMs': (number);
}
