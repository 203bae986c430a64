// Original file: proto/tandem/v1/scheduler.proto

import type { LauncherHello as _tandem_v1_LauncherHello, LauncherHello__Output as _tandem_v1_LauncherHello__Output } from '../../tandem/v1/LauncherHello.js';

export interface LauncherMessage {
  'hello'?: (_tandem_v1_LauncherHello | null);
  'message'?: "hello";
}

export interface LauncherMessage__Output {
  'hello'?: (_tandem_v1_LauncherHello__Output | null);
  'message'?: "hello";
}
