// Stands in for a service's main.js. FAKE_LINES: what it logs; FAKE_EXIT: code to end with; FAKE_STUBBORN: ignores SIGTERM;
// FAKE_READY: serves /ready on TANDEM_PORT; FAKE_PIDS: folder that gets a file per live process.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const { env } = process
for (const line of JSON.parse(env.FAKE_LINES ?? '[]')) process.stdout.write(`${line}\n`)
const pidFile = env.FAKE_PIDS === undefined ? undefined : join(env.FAKE_PIDS, String(process.pid))
if (pidFile !== undefined) {
  writeFileSync(`${pidFile}.new`, process.title)
  renameSync(`${pidFile}.new`, pidFile)
  process.once('exit', () => rmSync(pidFile, { force: true }))
}
process.on('SIGTERM', () => { if (env.FAKE_STUBBORN === undefined) process.exit(0) })
if (env.FAKE_EXIT !== undefined) process.exit(Number(env.FAKE_EXIT))
if (env.FAKE_READY !== undefined && process.title.includes('gateway')) {
  createServer((_request, response) => response.end('{"data":[{"id":"tiny"}]}')).listen(Number(env.TANDEM_PORT), '127.0.0.1')
}
setInterval(() => {}, 1000)
process.stdout.write('{"level":30,"msg":"started"}\n')
