import { describe, expect, it } from 'vitest'
import { greedySampling } from '@tandem/core'
import type { FfnTopology, SamplingParams } from '@tandem/core'
import {
  assignmentFromMessage, assignmentToMessage, finishReasonFromMessage, finishReasonToMessage, samplingFromMessage, samplingToMessage,
  topologyFromMessage, topologyToMessage
} from '../src/convert.js'
import { SchedulerClientConstructor } from '../src/load.js'

const methods = SchedulerClientConstructor.service

/** Through the wire format and back, as a peer sees it. */
function overTheWire (message: object): Record<string, unknown> {
  const { requestSerialize, requestDeserialize } = methods.Serve
  const bytes = requestSerialize({ generate: { sampling: message } })
  return requestDeserialize(bytes).generate?.sampling as unknown as Record<string, unknown>
}

describe('sampling params', () => {
  const cases: SamplingParams[] = [
    { ...greedySampling, seed: 2 ** 53 - 1 },
    {
      temperature: 0.5, topK: 40, topP: 0.75, minP: 0.25, seed: 7, repetitionPenalty: 1.5, presencePenalty: -1, frequencyPenalty: 2,
      logitBias: [[5, -100], [6, 1.5]], stopTokenIds: [2, 3], logprobs: 0, promptLogprobs: 20
    }
  ]
  it.each(cases)('survive the wire: case %#', sampling => {
    expect(samplingFromMessage(overTheWire(samplingToMessage(sampling)) as never)).toEqual(sampling)
  })
})

describe('finish reasons', () => {
  it.each(['stop', 'length', 'abort', 'error', undefined] as const)('map both ways: %s', reason => {
    expect(finishReasonFromMessage(finishReasonToMessage(reason))).toBe(reason)
  })
})

describe('topology and assignment', () => {
  const topology: FfnTopology = {
    epoch: 3,
    split: 'tp',
    instances: [{
      instanceIdx: 0,
      members: [
        { workerId: 'f-0', shards: { start: 0, end: 4 }, endpoints: [{ connector: 'shm', address: '/run/f0', hostId: 'h' }, { connector: 'tcp', address: '127.0.0.1:9' }] },
        { workerId: 'f-1', shards: { start: 4, end: 8 }, endpoints: [] }
      ]
    }]
  }
  const attach = methods.AttachWorker

  it('topology survives the wire', () => {
    const command = attach.responseDeserialize(attach.responseSerialize({ topology: topologyToMessage(topology) }))
    expect(topologyFromMessage(command.topology!)).toEqual(topology)
  })

  it('assignment survives the wire', () => {
    const assignment = { epoch: 9, instanceIdx: 1, rank: 2, size: 3, split: 'ep' as const, shards: { start: 5, end: 8 } }
    const command = attach.responseDeserialize(attach.responseSerialize({ assign: assignmentToMessage(assignment) }))
    expect(assignmentFromMessage(command.assign!)).toEqual(assignment)
  })
})
