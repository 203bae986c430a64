import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../../src/command-line/run.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

let folder: string
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'tandem-test-')) })
afterAll(() => { rmSync(folder, { recursive: true }) })

async function run (line: string) {
  const terminal = memoryTerminal()
  const context = { terminal, env: { XDG_RUNTIME_DIR: folder }, onStopSignal: stopSwitch().onStopSignal }
  const exitCode = await runProgram(line.split(' ').filter(word => word !== ''), context)
  return { exitCode, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

test.each([
  ['statsu', "tandem: unknown command 'statsu' (did you mean status?)"],
  ['status --jsn', "tandem: unknown option '--jsn' (did you mean --json?)"],
  ['bench --concurency 2', "tandem: unknown option '--concurency' (did you mean --concurrency?)"],
  ['bench --concurrency two', 'tandem: --concurrency: must be a number (got two)'],
  ['bench --url nonsense', 'tandem: --url nonsense is not a URL'],
  ['bench --prompt-ids --endpoint chat', 'tandem: --prompt-ids needs --endpoint completions: chat takes text only'],
  ['scale', "tandem: missing required argument 'targets'"],
  ['scale ffn=x', "tandem: 'ffn=x' is not attention=N or ffn=N"],
  ['drain', "tandem: missing required argument 'worker'"],
  ['up --port 99999', 'tandem: --port: must be at most 65535 (got 99999)'],
  ['up --backend quantum', 'tandem: --backend: must be one of auto, reference, cpu, cuda (got quantum)'],
  ['up --ffn 0', 'tandem: --ffn 0 needs --connector loopback'],
  ['up --connector loopback --ffn 2', 'tandem: --connector loopback runs without ffn workers: leave out --ffn'],
  ['up --num-ubatches many', 'tandem: --num-ubatches: must be a number (got many)'],
  ['up extra', "tandem: too many arguments for 'up'. Expected 0 arguments but got 1."],
  ['scheduler --port -1', 'tandem: --port: must be at least 0 (got -1)']
])('tandem %s is bad usage', async (line, message) => {
  expect(await run(line)).toEqual({ exitCode: 2, stdout: '', stderr: `${message}\n` })
})

test.each([
  ['up --model /no/such/model', 'tandem: no such file or directory: /no/such/model'],
  ['up --model Owner/never-pulled', 'tandem: Owner/never-pulled is neither a path nor a model that was pulled'],
  ['up --model package.json', 'tandem: '],
  ['pull not/a/model', 'tandem: not/a/model is not a model id'],
  ['status', 'tandem: no cluster found: start one with `tandem up`']
])('tandem %s fails in one line', async (line, start) => {
  const { exitCode, stdout, stderr } = await run(line)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr.startsWith(start)).toBe(true)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('a busy port is said before anything starts', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { exitCode, stderr } = await run(`up --port ${port}`)
  server.close()
  expect(exitCode).toBe(1)
  expect(stderr).toBe(`tandem: port ${port} on 127.0.0.1 is in use: stop what listens there or choose another with --port\n`)
})

test('without a command it explains itself, as a failure', async () => {
  const { exitCode, stderr } = await run('')
  expect(exitCode).toBe(2)
  expect(stderr).toContain('Usage: tandem')
})

test.each(['--help', 'help up', 'up --help', 'gateway --help', 'bench --help'])('tandem %s prints help with examples', async line => {
  const { exitCode, stdout, stderr } = await run(line)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toMatch(/Example/)
})

test('the version is a version', async () => {
  expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
