// Owns a tiny OpenAI server: streams `numTokens` words, and fails as told.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeOpenAiServer {
  readonly url: string
  readonly bodies: Record<string, unknown>[]
  close (): void
}

export type Misbehaviour = 'none' | 'reset_first' | 'refuse' | 'cut_stream' | 'no_usage'

export async function startFakeOpenAiServer (misbehaviour: Misbehaviour = 'none', numTokens = 3): Promise<FakeOpenAiServer> {
  const bodies: Record<string, unknown>[] = []
  let numResets = misbehaviour === 'reset_first' ? 2 : 0
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.end('{"data":[{"id":"fake-model"}]}')
      return
    }
    if (numResets-- > 0) {
      request.socket.resetAndDestroy()
      return
    }
    void answer(request, response)
  })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    bodies.push(JSON.parse(text))
    if (misbehaviour === 'refuse') {
      response.writeHead(429).end('{"error":{"message":"busy"}}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let idx = 0; idx < numTokens; idx++) response.write('data: {"choices":[{"text":" word","delta":{}}]}\n\n')
    if (misbehaviour === 'cut_stream') {
      response.end()
      return
    }
    if (misbehaviour !== 'no_usage') {
      response.write(`data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":${numTokens}}}\n\n`)
    }
    response.end('data: [DONE]\n\n')
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    close: () => { server.close(); server.closeAllConnections() }
  }
}
