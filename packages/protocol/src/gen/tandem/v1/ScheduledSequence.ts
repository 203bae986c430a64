// Original file: proto/tandem/v1/worker.proto


export interface ScheduledSequence {
  'seqId'?: (number);
  'numComputedTokens'?: (number);
  'numScheduledTokens'?: (number);
  'ubatchIdx'?: (number);
  'newBlockIds'?: (number)[];
}

export interface ScheduledSequence__Output {
  'seqId': (number);
  'numComputedTokens': (number);
  'numScheduledTokens': (number);
  'ubatchIdx': (number);
  'newBlockIds': (number)[];
}
