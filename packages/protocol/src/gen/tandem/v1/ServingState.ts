// Original file: proto/tandem/v1/scheduler.proto


export interface ServingState {
  'ready'?: (boolean);
  'reason'?: (string);
  'modelName'?: (string);
  'modelFingerprint'?: (string);
  'maxModelLen'?: (number);
}

export interface ServingState__Output {
  'ready': (boolean);
  'reason': (string);
  'modelName': (string);
  'modelFingerprint': (string);
  'maxModelLen': (number);
}
