import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { makeError, optionErrors, withResolvers } from '@tandem/core'
import { protocolErrors } from '@tandem/protocol'
import { runWorker } from '../src/run-worker.js'

const lines: Array<{ msg: string, code?: string }> = []
const logger = pino({}, { write: (line: string) => { lines.push(JSON.parse(line) as typeof lines[number]) } })
afterEach(() => { lines.length = 0; vi.restoreAllMocks() })

function fakeWorker () {
  const { promise: done, resolve, reject } = withResolvers()
  const drained = withResolvers()
  const calls: string[] = []
  return {
    workerId: 'w',
    done,
    calls,
    drained,
    reject,
    drain: async () => { calls.push('drain'); await drained.promise },
    close: async () => { calls.push('close'); resolve() }
  }
}

/** As the shell sees it: process.exit ends nothing here. */
function watchExit (): number[] {
  const codes: number[] = []
  vi.spyOn(process, 'exit').mockImplementation(code => { codes.push(Number(code)); return undefined as never })
  return codes
}

describe('runWorker', () => {
  it('returns 0 when the worker leaves by itself, and lets go of the signals', async () => {
    const worker = fakeWorker()
    const before = process.listenerCount('SIGTERM')
    const running = runWorker(async () => worker, logger)
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    await worker.close()
    expect(await running).toBe(0)
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })

  it('drains, then closes on a signal; a second one ends at once', async () => {
    const codes = watchExit()
    const worker = fakeWorker()
    const running = runWorker(async () => worker, logger)
    await new Promise(resolve => { setImmediate(resolve) })
    process.emit('SIGTERM', 'SIGTERM')
    expect(worker.calls).toEqual(['drain'])
    process.emit('SIGINT', 'SIGINT')
    expect(codes).toEqual([1])
    worker.drained.resolve()
    expect(await running).toBe(0)
    expect(worker.calls).toEqual(['drain', 'close'])
  })

  it('ends at once while it is loading', async () => {
    const codes = watchExit()
    const worker = fakeWorker()
    const loaded = withResolvers<typeof worker>()
    const running = runWorker(() => loaded.promise, logger)
    process.emit('SIGTERM', 'SIGTERM')
    expect(codes[0]).toBe(0)
    loaded.resolve(worker)
    await worker.close()
    await running
  })

  it('says in one line what kept it from starting', async () => {
    const refuse = (error: Error) => runWorker(() => Promise.reject(error), logger)
    expect(await refuse(makeError(optionErrors, 'option_missing', { source: '--model', description: 'a model' }))).toBe(2)
    expect(await refuse(makeError(protocolErrors, 'bind_failed', { address: 'x:1', reason: 'in use' }))).toBe(1)
    expect(lines.map(({ msg, code }) => [msg, code])).toEqual([
      ['--model is required: a model', 'option_missing'], ['cannot listen on x:1: in use', 'bind_failed']
    ])
  })

  it('returns 1 when the worker breaks', async () => {
    const worker = fakeWorker()
    const running = runWorker(async () => worker, logger)
    worker.reject(new Error('the books do not add up'))
    expect(await running).toBe(1)
    expect(lines.at(-1)?.msg).toBe('worker failed')
  })
})
