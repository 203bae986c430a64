import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { WorkerCommand__Output } from '@tandem/protocol'
import { SchedulerLink } from '../src/scheduler-link.js'
import type { Session } from '../src/scheduler-link.js'
import { startFakeScheduler } from './support/fake-scheduler.js'
import type { FakeScheduler } from './support/fake-scheduler.js'

const toClose: Array<() => unknown> = []
afterEach(async () => { for (const close of toClose.splice(0).reverse()) await close() })

async function scheduler (port = 0, token = ''): Promise<FakeScheduler> {
  const started = await startFakeScheduler(port, token)
  toClose.push(() => started.close())
  return started
}

interface TestLink {
  readonly link: SchedulerLink
  readonly commands: Array<{ command: WorkerCommand__Output, session: Session }>
  readonly lines: Array<{ msg: string, reason?: string }>
  readonly drained: Promise<void>
}

function startLink (schedulerAddress: string, clusterToken = ''): TestLink {
  const commands: TestLink['commands'] = []
  const lines: TestLink['lines'] = []
  let onDrained = (): void => {}
  const drained = new Promise<void>(resolve => { onDrained = resolve })
  let numRegistrations = 0
  const link = new SchedulerLink({
    schedulerAddress,
    clusterToken,
    logger: pino({}, { write: (line: string) => { lines.push(JSON.parse(line) as TestLink['lines'][number]) } }),
    onDrained,
    onFatal: error => { throw error },
    firstRetryMs: 1,
    lastRetryMs: 5,
    handlers: {
      register: async () => ({ workerId: 'w', modelName: `life ${++numRegistrations}` }),
      stats: () => ({ numSteps: 7 }),
      onCommand: (command, session) => { commands.push({ command, session }) }
    }
  })
  link.start()
  toClose.push(() => { link.close() })
  return { link, commands, lines, drained }
}

describe('SchedulerLink', () => {
  it('registers first, then beats and hands over commands', async () => {
    const server = await scheduler()
    const { link, commands } = startLink(server.address)
    const worker = await server.nextWorker()
    expect(await worker.next('register')).toMatchObject({ workerId: 'w', modelName: 'life 1' })
    expect(link.session).toBeNull()
    worker.send({ accepted: { workerNumber: 4, heartbeatIntervalMs: 5 } })
    for (let beat = 0; beat < 3; beat++) expect(await worker.next('heartbeat')).toMatchObject({ stats: { numSteps: 7 } })
    worker.send({ retire: { epoch: 3 } })
    while (commands.length === 0) await worker.next('heartbeat')
    link.session?.send({ peerDown: { workerId: 'f', reason: 'gone' } })
    expect(await worker.next('peerDown')).toMatchObject({ workerId: 'f' })
    expect(commands.map(({ command }) => command.command)).toEqual(['retire'])
  })

  it('registers again with a scheduler that was restarted, and drops what belongs to the earlier session', async () => {
    const server = await scheduler()
    const { link, lines } = startLink(server.address)
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    const earlier = link.session
    await server.close()
    while (link.session !== null) await new Promise(resolve => { setImmediate(resolve) })
    const again = await scheduler(Number(server.address.split(':')[1]))
    const next = await again.nextWorker()
    expect((await next.next('register')).modelName).not.toBe('life 1')
    next.send({ accepted: { workerNumber: 1, heartbeatIntervalMs: 60_000 } })
    await next.next('heartbeat')
    earlier?.send({ stepResult: { stepId: 9 } })
    // Typed anew: the loop above made the compiler believe that the session stays null.
    const later = link.session as Session | null
    later?.send({ stepResult: { stepId: 10 } })
    expect(await next.next('stepResult')).toMatchObject({ stepId: 10 })
    expect(lines.filter(({ msg }) => msg === 'registered with the scheduler')).toHaveLength(2)
  })

  it('logs once while nobody answers, and says when the reason changes', async () => {
    const port = await scheduler().then(async server => { await server.close(); return Number(server.address.split(':')[1]) })
    const { lines } = startLink(`127.0.0.1:${port}`)
    while (lines.length === 0) await new Promise(resolve => { setTimeout(resolve, 1) })
    const server = await scheduler(port, 'secret')
    while (lines.length < 2) await new Promise(resolve => { setTimeout(resolve, 1) })
    expect(lines.map(({ msg }) => msg)).toEqual(['no scheduler yet, trying again', 'the scheduler refuses this worker, trying again'])
    expect(lines[1]!.reason).toContain('token')
    expect(server.address).toContain(String(port))
  })

  it('asks to be drained and waits for it', async () => {
    const server = await scheduler()
    const { link } = startLink(server.address)
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    const drained = link.drain(60_000)
    await worker.next('drainRequested')
    worker.send({ drained: {} })
    await drained
  })

  it('does not wait for a scheduler that is gone, or never was', async () => {
    const server = await scheduler()
    const { link } = startLink(server.address)
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    const drained = link.drain(60_000)
    await worker.next('drainRequested')
    worker.end()
    await drained
    await startLink('127.0.0.1:1').link.drain(60_000)
  })

  it('leaves when the scheduler drains it unasked', async () => {
    const server = await scheduler()
    const { drained } = startLink(server.address)
    const worker = await server.nextAccepted()
    worker.send({ drained: {} })
    await drained
  })

  it('ends its stream when closed', async () => {
    const server = await scheduler()
    const { link } = startLink(server.address)
    const worker = await server.nextAccepted()
    await worker.next('heartbeat')
    link.close()
    await worker.untilOver()
  })
})
