// Original file: proto/tandem/v1/common.proto


export interface ShardRange {
  'start'?: (number);
  'end'?: (number);
}

export interface ShardRange__Output {
  'start': (number);
  'end': (number);
}
