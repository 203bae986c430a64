// Original file: proto/tandem/v1/common.proto

import type { FfnSplit as _tandem_v1_FfnSplit, FfnSplit__Output as _tandem_v1_FfnSplit__Output } from '../../tandem/v1/FfnSplit.js';
import type { ShardRange as _tandem_v1_ShardRange, ShardRange__Output as _tandem_v1_ShardRange__Output } from '../../tandem/v1/ShardRange.js';

export interface FfnAssignment {
  'epoch'?: (number);
  'instanceIdx'?: (number);
  'rank'?: (number);
  'size'?: (number);
  'split'?: (_tandem_v1_FfnSplit);
  'shards'?: (_tandem_v1_ShardRange | null);
}

export interface FfnAssignment__Output {
  'epoch': (number);
  'instanceIdx': (number);
  'rank': (number);
  'size': (number);
  'split': (_tandem_v1_FfnSplit__Output);
  'shards': (_tandem_v1_ShardRange__Output | null);
}
