// Original file: proto/tandem/v1/scheduler.proto


export interface LauncherHello {
  'attention'?: (number);
  'ffn'?: (number);
  'maxWorkersPerRole'?: (number);
  '_maxWorkersPerRole'?: "maxWorkersPerRole";
}

export interface LauncherHello__Output {
  'attention': (number);
  'ffn': (number);
  'maxWorkersPerRole'?: (number);
  '_maxWorkersPerRole'?: "maxWorkersPerRole";
}
