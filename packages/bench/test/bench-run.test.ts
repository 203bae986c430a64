import { expect, test } from 'vitest'
import { BenchRun } from '../src/bench-run.js'
import type { Server } from '../src/servers/server.js'
import { stopSwitch } from '../../cli/test/support/stop-switch.js'
import { benchContext } from './support/bench-context.js'

function fakeServer (name: string, stopped: string[], failure?: Error): Server {
  const stop = async () => {
    stopped.push(name)
    if (failure !== undefined) throw failure
  }
  return { name, url: 'http://127.0.0.1:1', model: 'm', facts: {}, stop }
}

test('servers are stopped when the run ends, each whatever happens to the others', async () => {
  const stopped: string[] = []
  const result = await BenchRun.with(benchContext(), async run => {
    await run.use('a', async () => fakeServer('a', stopped, new Error('it does not stop')))
    await run.use('b', async () => fakeServer('b', stopped))
    return 42
  })
  expect(result).toBe(42)
  expect(stopped).toEqual(['a', 'b'])
})

test('servers are stopped when measuring fails', async () => {
  const stopped: string[] = []
  await expect(BenchRun.with(benchContext(), async run => {
    await run.use('a', async () => fakeServer('a', stopped))
    throw new Error('measuring failed')
  })).rejects.toThrow('measuring failed')
  expect(stopped).toEqual(['a'])
})

test('a signal aborts what is measured, and nothing is started after it', async () => {
  const signals = stopSwitch()
  const context = { ...benchContext(), onStopSignal: signals.onStopSignal }
  const run = BenchRun.with(context, async run => {
    signals.stop()
    expect(run.signal.aborted).toBe(true)
    await run.use('late', async () => { throw new Error('it was started') })
  })
  await expect(run).rejects.toMatchObject({ code: 'interrupted' })
})
