// Original file: proto/tandem/v1/worker.proto


export interface PeerDown {
  'workerId'?: (string);
  'reason'?: (string);
}

export interface PeerDown__Output {
  'workerId': (string);
  'reason': (string);
}
