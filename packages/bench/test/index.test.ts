import { expect, test } from 'vitest'
import { engineScriptsFolder } from '../src/engine-scripts.js'
import { runProgram } from '../src/index.js'
import { benchContext } from './support/bench-context.js'

async function run (...args: string[]) {
  const context = benchContext()
  const exitCode = await runProgram(args, context, engineScriptsFolder)
  return { exitCode, out: context.terminal.stdout(), err: context.terminal.stderr() }
}

test('without a name the benches are listed', async () => {
  for (const args of [[], ['--help'], ['help']]) {
    const { exitCode, out, err } = await run(...args)
    expect(exitCode).toBe(0)
    for (const name of ['serve', 'afd', 'idle', 'accuracy', 'engine-decode']) expect(out).toContain(`  ${name}`)
    expect(err).toBe('')
  }
})

test('each bench explains its flags; a script shows its own comment', async () => {
  expect((await run('serve', '--help')).out).toContain('--peer-command <name=command>')
  expect((await run('afd', '--help')).out).toContain('--transport <choice>')
  expect((await run('idle', '--help')).out).toContain('--seconds <n>')
  expect((await run('accuracy', '--help')).out).toContain('--kv-dtype <choice>')
  expect((await run('engine', '--help')).out).toContain('--sequences')
})

test.each([
  [['nosuch'], "unknown command 'nosuch'"],
  [['accuracy', '--nosuch'], "unknown option '--nosuch'"],
  [['accuracy', '--backend', 'gpu'], '--backend: must be one of'],
  [['serve', '--rounds', '0'], '--rounds: must be at least 1'],
  [['serve', '--users', '1,x'], '--users 1,x: wanted numbers of users'],
  [['serve', '--peer', 'llama'], '--peer llama: wanted NAME=VALUE'],
  [['serve', '--peer-command', 'llama=llama-server'], 'the command must contain {port}'],
  [['serve', '--peer', 'tandem=http://127.0.0.1:1'], 'two servers are called tandem']
])('%j is asked wrongly', async (args, line) => {
  const { exitCode, err } = await run(...args)
  expect(exitCode).toBe(2)
  expect(err).toContain(line)
  expect(err.trim().split('\n')).toHaveLength(1)
})

test('what cannot be read fails in one line', async () => {
  const { exitCode, err } = await run('accuracy', '--golden', '/nowhere/golden.json')
  expect(exitCode).toBe(1)
  expect(err).toBe('bench: cannot use /nowhere/golden.json: ENOENT\n')
})
