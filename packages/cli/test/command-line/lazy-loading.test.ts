// What takes long to load stays out of commands that do not need it.
import { expect, test, vi } from 'vitest'
import { runProgram } from '../../src/command-line/run.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

const loaded = vi.hoisted(() => [] as string[])
vi.mock('@tandem/protocol', async original => { loaded.push('protocol'); return await original() })
vi.mock('@tandem/model', async original => { loaded.push('model'); return await original() })
vi.mock('@tandem/hub', async original => { loaded.push('hub'); return await original() })
vi.mock('@tandem/engine', async original => { loaded.push('engine'); return await original() })

async function run (...args: string[]): Promise<string> {
  const terminal = memoryTerminal()
  await runProgram(args, { terminal, env: { XDG_RUNTIME_DIR: '/nowhere' }, onStopSignal: stopSwitch().onStopSignal })
  return terminal.stdout() + terminal.stderr()
}

test('help and refused flags load nothing of a cluster', async () => {
  expect(await run('--help')).toContain('tandem up')
  expect(await run('up', '--help')).toContain('--max-num-seqs')
  expect(await run('up', '--nope')).toContain("unknown option '--nope'")
  expect(loaded).toEqual([])
})

test('status loads what talks to the scheduler only', async () => {
  expect(await run('status')).toContain('no cluster found')
  expect(loaded).toEqual(['protocol'])
})
