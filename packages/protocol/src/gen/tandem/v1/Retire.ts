// Original file: proto/tandem/v1/worker.proto


export interface Retire {
  'epoch'?: (number);
}

export interface Retire__Output {
  'epoch': (number);
}
