import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { scoresOf, scoreTextOnServer } from '../../src/accuracy/server-scores.js'

const golden = { oracle: 'x', tokenIds: [1, 2, 3], top1: [2, 9], logprobs: [-1, -2] }
const showToken = (tokenId: number) => `<${tokenId}>`
const never = new AbortController().signal
const echoed = { token_logprobs: [null, -1.5, -2.5, -9], top_logprobs: [null, { '<2>': -1.5 }, { '<3>': -2.5, '<8>': -0.5 }, { '<4>': -9 }] }

let server: Server | undefined
afterEach(() => { server?.close() })

async function answering (status: number, body: unknown): Promise<{ url: string, model: string }> {
  server = createServer((request, response) => { request.resume().on('end', () => { response.writeHead(status).end(JSON.stringify(body)) }) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, model: 'm' }
}

test('the best alternative is compared by its spelling; the sampled token does not count', () => {
  expect(scoresOf(echoed, golden, showToken)).toEqual([{ position: 1, top1: 2, logprob: -1.5 }, { position: 2, top1: -1, logprob: -2.5 }])
})

test('what is not scored throughout is not scored', () => {
  expect(scoresOf({}, golden, showToken)).toBeUndefined()
  expect(scoresOf({ ...echoed, top_logprobs: [null, { '<2>': -1.5 }, null] }, golden, showToken)).toBeUndefined()
})

test('a server that echoes is scored; others are refused with the reason', async () => {
  expect(await scoreTextOnServer(await answering(200, { choices: [{ logprobs: echoed }] }), golden, showToken, never)).toHaveLength(2)
  server?.close()
  await expect(scoreTextOnServer(await answering(200, { choices: [{ logprobs: null }] }), golden, showToken, never)).rejects
    .toThrow('it does not echo the log probabilities of a prompt')
  server?.close()
  await expect(scoreTextOnServer(await answering(400, { error: 'no echo' }), golden, showToken, never)).rejects.toThrow('HTTP 400: {"error":"no echo"}')
  await expect(scoreTextOnServer({ url: 'http://127.0.0.1:1', model: 'm' }, golden, showToken, never)).rejects.toMatchObject({ code: 'server_unusable' })
})
