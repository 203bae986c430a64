// Owns which workers may join: what a registration must say, and one model for the whole cluster.
import { schedulerError } from '../errors.js'
import type { WorkerRegistration } from './types.js'

export interface ClusterModel {
  readonly modelName: string
  readonly modelFingerprint: string
}

/**
 * Throws `registration_invalid`, `model_mismatch`, `compute_dtype_mismatch` or `kv_dtype_mismatch`. `model` is undefined until the first
 * worker; `sameRole` are the workers that are there.
 */
export function checkRegistration (
  registration: WorkerRegistration, model: ClusterModel | undefined, sameRole: Iterable<WorkerRegistration>
): void {
  const { workerId } = registration
  const reason = registration.role === 'attention' ? attentionProblem(registration) : ffnProblem(registration)
  if (workerId === '' || reason) {
    throw schedulerError('registration_invalid', { workerId: workerId || '(unnamed)', reason: reason ?? 'worker_id is empty' })
  }
  if (model && registration.modelFingerprint !== model.modelFingerprint) {
    throw schedulerError('model_mismatch', {
      workerId,
      modelName: registration.modelName,
      fingerprint: registration.modelFingerprint,
      clusterModelName: model.modelName,
      clusterFingerprint: model.modelFingerprint
    })
  }
  for (const other of sameRole) requireSameBits(registration, other)
}

/** A request moves between workers of a role, and must not get other tokens for it. The reference, which rounds nothing, stands apart. */
function requireSameBits ({ workerId, role, computeDtype, kvDtype }: WorkerRegistration, other: WorkerRegistration): void {
  if (computeDtype === '' || other.computeDtype === '') return
  if (computeDtype !== other.computeDtype) {
    throw schedulerError('compute_dtype_mismatch', { workerId, role, computeDtype, clusterComputeDtype: other.computeDtype })
  }
  if (kvDtype !== other.kvDtype) throw schedulerError('kv_dtype_mismatch', { workerId, kvDtype, clusterKvDtype: other.kvDtype })
}

function attentionProblem ({ numKvBlocks, blockSize, maxModelLen }: WorkerRegistration): string | undefined {
  if (numKvBlocks < 1) return 'num_kv_blocks must be at least 1'
  if (blockSize < 1) return 'block_size must be at least 1'
  if (maxModelLen < 2) return 'max_model_len must be at least 2'
  return undefined
}

function ffnProblem ({ endpoints, colocated }: WorkerRegistration): string | undefined {
  if (colocated) return 'an ffn worker cannot be colocated'
  return endpoints.length === 0 ? 'it offers no endpoint' : undefined
}
