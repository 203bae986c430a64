// Original file: proto/tandem/v1/common.proto

import type { FfnMember as _tandem_v1_FfnMember, FfnMember__Output as _tandem_v1_FfnMember__Output } from '../../tandem/v1/FfnMember.js';

export interface FfnInstance {
  'instanceIdx'?: (number);
  'members'?: (_tandem_v1_FfnMember)[];
}

export interface FfnInstance__Output {
  'instanceIdx': (number);
  'members': (_tandem_v1_FfnMember__Output)[];
}
