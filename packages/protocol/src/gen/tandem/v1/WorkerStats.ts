// Original file: proto/tandem/v1/worker.proto

import type { Long } from '@grpc/proto-loader';

export interface WorkerStats {
  'rssBytes'?: (number | string | Long);
  'weightBytes'?: (number | string | Long);
  'cpuSeconds'?: (number | string);
  'numSteps'?: (number | string | Long);
  'framesSent'?: (number | string | Long);
  'framesResent'?: (number | string | Long);
  'bytesSent'?: (number | string | Long);
  'bytesReceived'?: (number | string | Long);
  'numSequences'?: (number);
  'numFrames'?: (number | string | Long);
  'numBatches'?: (number | string | Long);
  'numTokens'?: (number | string | Long);
  'refused'?: ({[key: string]: number | string | Long});
  'computeUs'?: (number | string | Long);
  'idleUs'?: (number | string | Long);
  'queueLength'?: (number);
}

export interface WorkerStats__Output {
  'rssBytes': (number);
  'weightBytes': (number);
  'cpuSeconds': (number);
  'numSteps': (number);
  'framesSent': (number);
  'framesResent': (number);
  'bytesSent': (number);
  'bytesReceived': (number);
  'numSequences': (number);
  'numFrames': (number);
  'numBatches': (number);
  'numTokens': (number);
  'refused': ({[key: string]: number});
  'computeUs': (number);
  'idleUs': (number);
  'queueLength': (number);
}
