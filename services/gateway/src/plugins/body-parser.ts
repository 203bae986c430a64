// Owns reading JSON bodies: the default parser, with errors that name the field where a client wrote a number
// JSON does not have, null taken for absent, and the rest of a body that is too large read so that the refusal arrives.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { gatewayError } from '../errors.js'

/** Of a refused body. A client that sends more than this loses its connection before it reads why. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024

const NOT_A_NUMBER = /"([A-Za-z_]\w*)"\s*:\s*(NaN|-?Infinity)\b/

export function installBodyParser (app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  // Fastify's own parser of text would hand on a string, which no schema here can name as the mistake.
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // `done` is called before the parser returns.
    void parse(request, body as string, (error, value) => {
      if (error) done(describe(error, body as string))
      else done(null, value)
    })
  })
  app.addHook('preValidation', async request => {
    if (typeof request.body === 'object' && request.body !== null && !Array.isArray(request.body)) {
      request.body = Object.fromEntries(Object.entries(request.body).filter(([, value]) => value !== null))
    }
  })
}

/**
 * Reads and drops what is left of a body. Most clients read the answer after they sent all of theirs: answering and closing
 * before that shows them a broken connection instead of the refusal. The server's `requestTimeout` bounds the wait.
 */
export async function discardBody (request: IncomingMessage): Promise<void> {
  let discardedBytes = 0
  const ended = new AbortController()
  request.on('data', (chunk: Buffer) => {
    discardedBytes += chunk.length
    if (discardedBytes > MAX_DISCARDED_BYTES) ended.abort()
  })
  request.resume()
  if (request.readableEnded || request.destroyed) return
  await once(request, 'close', { signal: ended.signal }).catch(() => undefined)
}

function describe (error: Error & { code?: string }, body: string): Error {
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return error
  const number = NOT_A_NUMBER.exec(body)
  if (number) return gatewayError('invalid_value', { param: number[1], reason: `${number[2]} is not a number in JSON` })
  return gatewayError('invalid_json', { reason: reasonOf(body) }, { cause: error })
}

/** Fastify's parser keeps to itself what it stumbled over. */
function reasonOf (body: string): string {
  try {
    JSON.parse(body)
    return 'it has a forbidden key'
  } catch (error) {
    return (error as SyntaxError).message
  }
}
