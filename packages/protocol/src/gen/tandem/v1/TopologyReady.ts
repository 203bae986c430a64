// Original file: proto/tandem/v1/worker.proto


export interface TopologyReady {
  'epoch'?: (number);
}

export interface TopologyReady__Output {
  'epoch': (number);
}
