// Original file: proto/tandem/v1/common.proto

import type { FfnSplit as _tandem_v1_FfnSplit, FfnSplit__Output as _tandem_v1_FfnSplit__Output } from '../../tandem/v1/FfnSplit.js';
import type { FfnInstance as _tandem_v1_FfnInstance, FfnInstance__Output as _tandem_v1_FfnInstance__Output } from '../../tandem/v1/FfnInstance.js';

export interface FfnTopology {
  'epoch'?: (number);
  'split'?: (_tandem_v1_FfnSplit);
  'instances'?: (_tandem_v1_FfnInstance)[];
}

export interface FfnTopology__Output {
  'epoch': (number);
  'split': (_tandem_v1_FfnSplit__Output);
  'instances': (_tandem_v1_FfnInstance__Output)[];
}
