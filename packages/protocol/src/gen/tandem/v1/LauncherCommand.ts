// Original file: proto/tandem/v1/scheduler.proto


export interface LauncherCommand {
  'attention'?: (number);
  'ffn'?: (number);
}

export interface LauncherCommand__Output {
  'attention': (number);
  'ffn': (number);
}
