// What comes back must be what was asked for.
import { describe, expect, it } from 'vitest'
import { connectorErrors } from '@tandem/connector'
import type { A2fFrame, F2aFrame, FfnChannel } from '@tandem/connector'
import { makeError, systemClock } from '@tandem/core'
import { FfnExchange } from '../../src/pipeline/ffn-exchange.js'
import type { FfnRequest } from '../../src/pipeline/ffn-exchange.js'
import type { FfnRouter, Route, Target } from '../../src/pipeline/ffn-router.js'

const hiddenSize = 4
const request: FfnRequest = {
  layerIdx: 2,
  ubatchIdx: 0,
  instanceIdx: undefined,
  numTokens: 1,
  hiddenSize,
  dtype: 'f32',
  hidden: new Uint8Array(16),
  scales: new Float32Array(0),
  topK: 0,
  topkIds: new Uint16Array(0),
  topkWeights: new Float32Array(0)
}

function answer (frame: A2fFrame, nodes: number[], values: number[]): F2aFrame {
  const partials = new Uint8Array(Float32Array.from(values.flatMap(value => [value, 0, 0, 0])).buffer)
  return { ...frame, kind: 'f2a', partials, nodes: Uint8Array.from(nodes), computeUs: 1 }
}

type Answer = (frame: A2fFrame) => F2aFrame

/** Members that answer as told; stale routes are noted, and the next one picked is fresh. */
function exchangeWith (members: ReadonlyArray<{ nodes: number[], answers: Answer[] }>) {
  let route: Route = { epoch: 1, instances: [], isStale: false }
  const reasons: string[] = []
  const targets = members.map(({ nodes, answers }, i) => {
    let sent: A2fFrame
    const channel = {
      async sendAttnOutput (frame: A2fFrame) { sent = frame },
      async recvFfnOutput () { return (answers.length > 1 ? answers.shift()! : answers[0]!)(sent) }
    } as unknown as FfnChannel
    return { nodes, channel, link: { workerId: `f${i}` } }
  })
  const router = {
    lastReason: '',
    pick: () => ({ route, members: targets }) as unknown as Target,
    changed: () => Promise.resolve(),
    markStale (stale: Route, reason: string) { reasons.push(reason); route = { ...stale, epoch: stale.epoch + 1 } }
  } as unknown as FfnRouter
  const exchange = new FfnExchange({ router, workerNumber: 1, ffnTimeoutMs: 10_000, clock: systemClock })
  return { exchange, reasons, run: () => exchange.run(request, new Promise<never>(() => {})) }
}

describe('FfnExchange', () => {
  it('adds partial sums along the tree, whoever holds them', async () => {
    const large = 2 ** 24
    // In float32 (1 + 2^24) - 2^24 is 0 and 1 + (2^24 - 2^24) is 1: the nodes decide what is added first.
    const { run } = exchangeWith([
      { nodes: [2, 6], answers: [frame => answer(frame, [2, 6], [1, large])] },
      { nodes: [7], answers: [frame => answer(frame, [7], [-large])] }
    ])
    expect((await run())[0]).toBe(1)
    const other = exchangeWith([{ nodes: [4, 5, 3], answers: [frame => answer(frame, [4, 5, 3], [1, large, -large])] }])
    expect((await other.run())[0]).toBe(0)
  })

  it('takes other leaves than it expects as a sign of an old epoch, and asks again', async () => {
    const { run, reasons, exchange } = exchangeWith([
      { nodes: [1], answers: [frame => answer(frame, [2], [5]), frame => answer(frame, [1], [frame.epoch])] }
    ])
    expect((await run())[0]).toBe(2)
    expect(reasons).toEqual([expect.stringContaining('f0 holds other leaves')])
    expect(exchange.stats).toMatchObject({ framesSent: 2, framesResent: 1, bytesSent: 32, bytesReceived: 32 })
  })

  it('asks again when a member is overloaded', async () => {
    const full = (): never => { throw makeError(connectorErrors, 'overloaded', { reason: 'full' }) }
    const { run, reasons } = exchangeWith([{ nodes: [1], answers: [full, full, frame => answer(frame, [1], [9])] }])
    expect((await run())[0]).toBe(9)
    expect(reasons).toEqual([])
  })

  it.each<[string, Partial<F2aFrame>]>([
    ['layer', { layerIdx: 3 }], ['number of tokens', { numTokens: 2 }], ['hidden size', { hiddenSize: 8 }]
  ])('refuses an answer with another %s', async (_what, changes) => {
    const { run } = exchangeWith([{ nodes: [1], answers: [frame => ({ ...answer(frame, [1], [5]), ...changes })] }])
    await expect(run()).rejects.toMatchObject({ code: 'ffn_answer_invalid', facts: { workerId: 'f0', layerIdx: 2 } })
  })

  it('fails at once for a refusal that cannot be cured', async () => {
    const broken = (): never => { throw makeError(connectorErrors, 'layer_unknown', { reason: 'layer 2 of 2' }) }
    await expect(exchangeWith([{ nodes: [1], answers: [broken] }]).run()).rejects.toMatchObject({ code: 'layer_unknown' })
  })
})
