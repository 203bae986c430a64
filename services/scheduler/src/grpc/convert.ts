// Owns the translation of registrations, plans and commands between the core and the wire.
import type { ConnectorKind } from '@tandem/core'
import { samplingToMessage } from '@tandem/protocol'
import type { RegisterWorker__Output, StepPlanMessage } from '@tandem/protocol'
import type { StepPlan, WorkerRegistration } from '../core/index.js'
import { schedulerError } from '../errors.js'

const connectorKinds: readonly string[] = ['loopback', 'shm', 'tcp', 'grpc'] satisfies ConnectorKind[]
const isConnectorKind = (value: string): value is ConnectorKind => connectorKinds.includes(value)

/** Throws `registration_invalid` for a role or connector we do not know. */
export function registrationFromMessage (message: RegisterWorker__Output): WorkerRegistration {
  const { role, endpoints, version: _version, ...rest } = message
  const refuse = (reason: string): never => {
    throw schedulerError('registration_invalid', { workerId: message.workerId, reason })
  }
  if (role === 'WORKER_ROLE_UNSPECIFIED') refuse('it has no role')
  return {
    ...rest,
    role: role === 'WORKER_ROLE_FFN' ? 'ffn' : 'attention',
    endpoints: endpoints.map(({ connector, address, hostId }) => ({
      connector: isConnectorKind(connector) ? connector : refuse(`connector ${connector} is unknown`),
      address,
      ...(hostId === '' ? {} : { hostId })
    }))
  }
}

/** Plans have the wire's shape already; only the sampling of new sequences is converted. */
export function planToMessage (plan: StepPlan): StepPlanMessage {
  if (plan.newSequences.length === 0) return { ...plan, newSequences: [] }
  return {
    ...plan,
    newSequences: plan.newSequences.map(sequence => ({ ...sequence, sampling: samplingToMessage(sequence.sampling) }))
  }
}
