// Flow control of a Serve stream, against a stream whose reader is the test.
import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, test } from 'vitest'
import type { SchedulerMessageMessage } from '@tandem/protocol'
import { pino } from 'pino'
import { SchedulerCore } from '../../src/core/index.js'
import { CoreLoop } from '../../src/core-loop.js'
import { GatewayStreams } from '../../src/grpc/gateway-streams.js'
import type { ServeCall } from '../../src/grpc/gateway-streams.js'
import { coreOptions } from '../support/core-driver.js'
import { ManualClock } from '../support/manual-clock.js'

class FakeCall extends EventEmitter {
  readonly written: SchedulerMessageMessage[] = []
  isFull = false
  error: { details: string } | undefined

  constructor () {
    super()
    this.on('error', (error: { details: string }) => { this.error = error })
  }

  getPeer (): string { return 'test' }
  write (message: SchedulerMessageMessage): boolean { this.written.push(message); return !this.isFull }
  end (): void {}
}

let call: FakeCall
let streams: GatewayStreams
let core: SchedulerCore

describe('GatewayStreams', () => {
  beforeEach(() => {
    core = new SchedulerCore(coreOptions())
    const loop = new CoreLoop({ core, clock: new ManualClock(), dispatch: () => {}, onFatal: error => { throw error } })
    streams = new GatewayStreams(loop, 5, pino({ level: 'silent' }))
    call = new FakeCall()
    streams.serve(call as unknown as ServeCall)
  })
  const event = (requestId: string): { requestId: string } => ({ requestId })

  test('the serving state comes first', () => {
    expect(call.written).toMatchObject([{ events: [], state: { ready: false } }])
  })

  test('what a slow reader cannot take is kept and sent as one message with the newest state', () => {
    call.isFull = true
    streams.sendEvents(1, [event('a')])
    streams.sendEvents(1, [event('b')])
    streams.sendEvents(1, [event('c'), event('d')])
    const state = { ...core.servingState, reason: 'later' }
    streams.broadcast({ ...state, reason: 'sooner' })
    streams.broadcast(state)
    expect(call.written).toHaveLength(2)
    call.isFull = false
    call.emit('drain')
    expect(call.written[2]).toEqual({ events: [event('b'), event('c'), event('d')], state })
    call.emit('drain')
    expect(call.written).toHaveLength(3)
  })

  test('a reader that takes nothing is cut off and its requests end', () => {
    call.isFull = true
    streams.sendEvents(1, [event('a')])
    streams.sendEvents(1, Array.from({ length: 6 }, (_, index) => event(String(index))))
    expect(call.error?.details).toBe('the gateway read too slowly: 5 events were waiting for it')
    expect(core.books.gateways.size).toBe(0)
    expect(streams.size).toBe(0)
  })

  test('events for a gateway that left are dropped; it leaves once', () => {
    call.emit('cancelled')
    call.emit('close')
    streams.sendEvents(1, [event('a')])
    expect(call.written).toHaveLength(1)
    expect(core.books.gateways.size).toBe(0)
  })
})
