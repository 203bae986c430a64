import { greedySampling } from '@tandem/core'
import type { RegisterWorker__Output } from '@tandem/protocol'
import { describe, expect, test } from 'vitest'
import { planToMessage, registrationFromMessage } from '../../src/grpc/convert.js'

const message: RegisterWorker__Output = {
  workerId: 'f', role: 'WORKER_ROLE_FFN', modelName: 'm', modelFingerprint: 'f00d', backend: 'cpu', backendReason: 'built', weightBytes: 1, pid: 2,
  host: 'h', version: '0.1.0', numKvBlocks: 0, blockSize: 0, kvCacheBytes: 0, kvDtype: '', computeDtype: '', maxModelLen: 0, colocated: false,
  endpoints: [{ connector: 'tcp', address: 'h:1', hostId: '' }, { connector: 'shm', address: '/run/f', hostId: 'boot' }]
}

describe('registrationFromMessage', () => {
  test('keeps a host id only when there is one', () => {
    const { role, endpoints } = registrationFromMessage(message)
    expect(role).toBe('ffn')
    expect(endpoints).toEqual([{ connector: 'tcp', address: 'h:1' }, { connector: 'shm', address: '/run/f', hostId: 'boot' }])
  })

  test('refuses a missing role and an unknown connector by name', () => {
    expect(() => registrationFromMessage({ ...message, role: 'WORKER_ROLE_UNSPECIFIED' })).toThrow('worker f cannot register: it has no role')
    expect(() => registrationFromMessage({ ...message, endpoints: [{ connector: 'pigeon', address: '', hostId: '' }] })).toThrow('connector pigeon is unknown')
  })
})

test('the sampling of new sequences is put in the shape of the wire', () => {
  const plan = { stepId: 1, removedSeqIds: [], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [] }
  expect(planToMessage(plan)).toEqual(plan)
  const sampling = { ...greedySampling, logitBias: [[5, 1.5]] as const }
  const [sequence] = planToMessage({
    ...plan, newSequences: [{ seqId: 1, tokenIds: [1], numPromptTokens: 1, maxTokens: 1, sampling }]
  }).newSequences!
  expect(sequence!.sampling!.logitBias).toEqual([{ tokenId: 5, bias: 1.5 }])
})
