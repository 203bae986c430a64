// Original file: proto/tandem/v1/common.proto

export const WorkerRole = {
  WORKER_ROLE_UNSPECIFIED: 'WORKER_ROLE_UNSPECIFIED',
  WORKER_ROLE_ATTENTION: 'WORKER_ROLE_ATTENTION',
  WORKER_ROLE_FFN: 'WORKER_ROLE_FFN',
} as const;

export type WorkerRole =
  | 'WORKER_ROLE_UNSPECIFIED'
  | 0
  | 'WORKER_ROLE_ATTENTION'
  | 1
  | 'WORKER_ROLE_FFN'
  | 2

export type WorkerRole__Output = typeof WorkerRole[keyof typeof WorkerRole]
