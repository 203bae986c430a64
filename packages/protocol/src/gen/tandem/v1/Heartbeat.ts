// Original file: proto/tandem/v1/worker.proto

import type { WorkerStats as _tandem_v1_WorkerStats, WorkerStats__Output as _tandem_v1_WorkerStats__Output } from '../../tandem/v1/WorkerStats.js';

export interface Heartbeat {
  'stats'?: (_tandem_v1_WorkerStats | null);
}

export interface Heartbeat__Output {
  'stats': (_tandem_v1_WorkerStats__Output | null);
}
