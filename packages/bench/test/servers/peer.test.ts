import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { connectPeer, parsePeerCommand, parsePeerUrl, requireDistinctNames, startPeer } from '../../src/servers/peer.js'
import { statusOf } from '../../src/servers/http.js'

const fakePeer = `'${process.execPath}' '${fileURLToPath(new URL('../support/fake-peer.mjs', import.meta.url))}' {port}`
const options = { env: { PATH: process.env['PATH'] }, timeoutMs: 20_000, signal: new AbortController().signal }

test('a running peer is NAME=URL, with or without /v1', () => {
  expect(parsePeerUrl('llama=http://127.0.0.1:8080/v1/')).toEqual({ name: 'llama', url: 'http://127.0.0.1:8080' })
  for (const text of ['llama', '=http://x', 'llama=', 'a b=http://x', 'llama=ftp://x', 'llama=x y']) expect(() => parsePeerUrl(text)).toThrow(`--peer ${text}: `)
})

test('a command is NAME=COMMAND and says where its port goes', () => {
  expect(parsePeerCommand('llama=server --a=b --port {port}')).toEqual({ name: 'llama', command: 'server --a=b --port {port}' })
  expect(() => parsePeerCommand('llama=server')).toThrow('must contain {port}')
})

test('each server has a name of its own', () => {
  requireDistinctNames(['tandem', 'a'])
  expect(() => requireDistinctNames(['tandem', 'a', 'a'])).toThrow('two servers are called a')
})

test('a command is started, waited for, asked for its model and stopped', async () => {
  const server = await startPeer({ name: 'fake', command: fakePeer }, options)
  expect(server).toMatchObject({ name: 'fake', model: 'peer-model', facts: { command: fakePeer } })
  expect(await connectPeer({ name: 'again', url: server.url })).toMatchObject({ name: 'again', model: 'peer-model' })
  await server.stop()
  expect(await statusOf(`${server.url}/health`)).toBeUndefined()
})

test('a command that ends is reported with its last words', async () => {
  await expect(startPeer({ name: 'fake', command: `${fakePeer} fail` }, options)).rejects
    .toMatchObject({ code: 'server_ended', message: 'fake ended (code 3): no such model' })
})

test('a command that never serves is given up, and nothing of it is left', async () => {
  await expect(startPeer({ name: 'fake', command: 'sleep 60 # {port}' }, { ...options, timeoutMs: 0 })).rejects.toMatchObject({ code: 'server_not_ready' })
})

test('nobody there is one clear line', async () => {
  await expect(connectPeer({ name: 'llama', url: 'http://127.0.0.1:1' })).rejects
    .toMatchObject({ code: 'server_unusable', message: expect.stringContaining('llama at http://127.0.0.1:1: ') })
})
