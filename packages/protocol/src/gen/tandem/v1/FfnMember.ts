// Original file: proto/tandem/v1/common.proto

import type { ShardRange as _tandem_v1_ShardRange, ShardRange__Output as _tandem_v1_ShardRange__Output } from '../../tandem/v1/ShardRange.js';
import type { FfnEndpoint as _tandem_v1_FfnEndpoint, FfnEndpoint__Output as _tandem_v1_FfnEndpoint__Output } from '../../tandem/v1/FfnEndpoint.js';

export interface FfnMember {
  'workerId'?: (string);
  'shards'?: (_tandem_v1_ShardRange | null);
  'endpoints'?: (_tandem_v1_FfnEndpoint)[];
}

export interface FfnMember__Output {
  'workerId': (string);
  'shards': (_tandem_v1_ShardRange__Output | null);
  'endpoints': (_tandem_v1_FfnEndpoint__Output)[];
}
