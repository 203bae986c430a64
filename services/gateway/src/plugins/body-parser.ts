// Owns reading JSON bodies: the default parser, with errors that name the field where a client wrote a number
// JSON does not have, and null taken for absent.
import type { FastifyInstance } from 'fastify'
import { gatewayError } from '../errors.js'

const NOT_A_NUMBER = /"([A-Za-z_]\w*)"\s*:\s*(NaN|-?Infinity)\b/

export function installBodyParser (app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
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

function describe (error: Error & { code?: string }, body: string): Error {
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return error
  const number = NOT_A_NUMBER.exec(body)
  if (number) return gatewayError('invalid_value', { param: number[1], reason: `${number[2]} is not a number in JSON` })
  const reason = error instanceof SyntaxError ? error.message : 'it has a forbidden key'
  return gatewayError('invalid_json', { reason }, { cause: error })
}
