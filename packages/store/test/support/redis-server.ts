// A real Redis for tests: a container where Docker answers, else a spawned redis-server, else the reason why not.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

const IMAGE = 'redis:7-bookworm'

export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly source: string
  stop (): Promise<void>
}

/** Set to `container` or `process` to test one of the two ways. */
const wanted = process.env['TANDEM_TEST_REDIS'] ?? 'any'

export async function startRedis (): Promise<RedisServer | { readonly reason: string }> {
  const reasons: string[] = []
  if (wanted !== 'process') {
    try { return await startContainer() } catch (error) { reasons.push(`container: ${firstLine(error)}`) }
  }
  if (wanted !== 'container') {
    try { return await startProcess() } catch (error) { reasons.push(`redis-server: ${firstLine(error)}`) }
  }
  return { reason: `no Redis to test with (${reasons.join('; ')})` }
}

async function startContainer (): Promise<RedisServer> {
  const docker = (args: string[], timeout: number): Promise<unknown> => promisify(execFile)('docker', args, { timeout })
  await docker(['info'], 10_000)
  await docker(['image', 'inspect', IMAGE], 10_000).catch(() => docker(['pull', '-q', IMAGE], 60_000))
  // The container is stopped below; the reaper would be one more image to pull.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'
  const { GenericContainer } = await import('testcontainers')
  const container = await new GenericContainer(IMAGE).withExposedPorts(6379).start()
  return {
    host: container.getHost(),
    port: container.getMappedPort(6379),
    source: IMAGE,
    stop: async () => { await container.stop() }
  }
}

async function startProcess (): Promise<RedisServer> {
  const port = await freePort()
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    { stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => { reject(new Error(`ended with code ${code}`)) })
    child.stdout.on('data', (text: Buffer) => { if (text.includes('Ready to accept connections')) resolve() })
  })
  return { host: '127.0.0.1', port, source: 'redis-server', stop: async () => { child.kill(); await exit } }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]!
