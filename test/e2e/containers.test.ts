// docker-compose as the README has it: two workers of each role answer a request. Runs where a Docker engine answers; says
// why it skips elsewhere. TANDEM_SKIP_CONTAINERS=1 skips it on purpose (building the image takes minutes).
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/repository.js'
import { freePort } from '../support/tandem-process.js'

const MINUTE = 60_000

/** docker-compose (either generation), or why there is none. */
function findCompose (): { readonly command: readonly string[] } | { readonly reason: string } {
  if (process.env['TANDEM_SKIP_CONTAINERS'] === '1') return { reason: 'TANDEM_SKIP_CONTAINERS is set' }
  const engine = spawnSync('docker', ['info'], { encoding: 'utf8', timeout: 10_000 })
  if (engine.status !== 0) return { reason: `no Docker engine answers (${(engine.error?.message ?? engine.stderr).trim().split('\n')[0]})` }
  for (const command of [['docker', 'compose'], ['docker-compose']]) {
    if (spawnSync(command[0]!, [...command.slice(1), 'version']).status === 0) return { command }
  }
  return { reason: 'docker-compose is not installed' }
}

const found = findCompose()
if ('reason' in found) console.log(`container test skipped: ${found.reason}`)

describe.skipIf('reason' in found)('docker-compose', () => {
  let port = 0

  function compose (...args: string[]): string {
    const [program, ...rest] = 'command' in found ? found.command : []
    const project = `tandem-e2e-${port}`
    const run = spawnSync(program!, [...rest, '-p', project, ...args], {
      cwd: root, encoding: 'utf8', env: { ...process.env, TANDEM_HTTP_PORT: String(port), DOCKER_BUILDKIT: process.env['DOCKER_BUILDKIT'] ?? '0' }
    })
    if (run.status !== 0) throw new Error(`${args.join(' ')} ended with ${run.status}:\n${run.stdout}${run.stderr}`)
    return run.stdout
  }

  beforeAll(async () => {
    port = await freePort()
    compose('up', '-d', '--build', '--scale', 'attention-worker=2', '--scale', 'ffn-worker=2')
  }, 20 * MINUTE)

  afterAll(() => { compose('down', '-v', '-t', '20') }, 3 * MINUTE)

  it('serves a request from two workers of each role', async () => {
    const base = `http://127.0.0.1:${port}`
    await expect.poll(async () => {
      // Node's first fetch never settles when the peer closes before its parser is loaded, and Docker's proxy accepts and
      // closes until the gateway listens: each attempt has a limit of its own.
      const response = await fetch(`${base}/admin/v1/cluster`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
      if (response?.ok !== true) return 'the gateway does not answer'
      const { workers } = await response.json() as { workers: Array<{ role: string, state: string }> }
      return workers.filter(({ state }) => state === 'ready').map(({ role }) => role).sort().join(' ')
    }, { timeout: 3 * MINUTE, interval: 1000 }).toBe('attention attention ffn ffn')
    const response = await fetch(`${base}/v1/completions`, {
      method: 'POST',
      signal: AbortSignal.timeout(MINUTE),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'The capital of France is', max_tokens: 1, temperature: 0 })
    })
    expect(await response.json()).toMatchObject({ choices: [{ text: ' Paris' }] })
  }, 5 * MINUTE)

  it('runs as another user than root', () => {
    expect(compose('exec', '-T', 'gateway', 'id', '-u').trim()).not.toBe('0')
  }, MINUTE)
})
