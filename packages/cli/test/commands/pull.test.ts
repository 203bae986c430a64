import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { resolveModelPath } from '../../src/commands/model-path.js'
import { describeProgress, runPull } from '../../src/commands/pull.js'
import { memoryTerminal } from '../support/memory-terminal.js'
import { stopSwitch } from '../support/stop-switch.js'

const files: Record<string, string> = { 'config.json': '{}', 'model.safetensors': 'weights' }
const sha = 'ab'.repeat(20)
const blobId = (content: string) => createHash('sha1').update(`blob ${content.length}\0${content}`).digest('hex')

let hub: Server
let modelsDir: string
beforeEach(async () => {
  hub = createServer((request, response) => {
    const path = request.url ?? ''
    if (path.includes('/tree/')) {
      response.end(JSON.stringify(Object.entries(files).map(([name, content]) => ({
        type: 'file', path: name, size: content.length, oid: blobId(content)
      }))))
    } else if (path.includes('/revision/main')) response.end(JSON.stringify({ sha }))
    else if (path.includes('/resolve/')) response.end(files[path.split('/').at(-1) ?? ''])
    else response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end()
  }).listen(0, '127.0.0.1')
  await once(hub, 'listening')
  modelsDir = mkdtempSync(join(tmpdir(), 'tandem-test-'))
})
afterEach(() => {
  hub.close()
  rmSync(modelsDir, { recursive: true })
})

async function pull (model: string, flags: Record<string, unknown> = {}) {
  const terminal = memoryTerminal()
  const HF_ENDPOINT = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`
  const context = { terminal, env: { HF_ENDPOINT, TANDEM_MODELS_DIR: modelsDir }, onStopSignal: stopSwitch().onStopSignal }
  return { exitCode: await runPull(model, flags, context), terminal }
}

test('downloads to where --model finds it, and shows progress', async () => {
  const { exitCode, terminal } = await pull('Owner/name')
  const directory = join(modelsDir, 'Owner', 'name')
  expect(exitCode).toBe(0)
  expect(terminal.stdout()).toBe(`Owner/name: 2 files, 9 B, in ${directory}\nServe it with: tandem up --model Owner/name\n`)
  expect(terminal.stderr()).toContain('downloading 9 B: 100%\n')
  expect(readFileSync(join(directory, 'model.safetensors'), 'utf8')).toBe('weights')
  // It is found; that two bytes are no model is for the model package to say.
  await expect(resolveModelPath('Owner/name', modelsDir)).rejects.toMatchObject({ message: expect.not.stringContaining('was pulled') })
})

test('a revision that is not there is refused by name', async () => {
  await expect(pull('Owner/name', { revision: 'v9' })).rejects.toMatchObject({ code: 'hub_revision_not_found' })
})

test('a bar for people, tenths for logs', () => {
  const progress = { file: 'f', doneBytes: 55e6, totalBytes: 100e6, numFilesDone: 1, numFiles: 3 }
  expect(describeProgress(progress, true)).toBe(`${'█'.repeat(13)}${'░'.repeat(11)} 55%  55.0 MB of 100 MB, 1/3 files`)
  expect(describeProgress(progress, false)).toBe('downloading 100 MB: 50%')
})
