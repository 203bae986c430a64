// Owns the API key: which routes need it and how it is compared.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { gatewayError } from '../errors.js'

/** Health, metrics and the API's description stay open: load balancers and Prometheus have no key. */
const PROTECTED = /^\/(v1|admin)(\/|$)/

export function installAuthentication (app: FastifyInstance, apiKey: string): void {
  if (apiKey === '') return
  // Digests have one length, so the comparison tells nothing of the key's.
  const expected = digest(apiKey)
  app.addHook('onRequest', async request => {
    if (!PROTECTED.test(request.url)) return
    const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined || !timingSafeEqual(digest(given), expected)) throw gatewayError('invalid_api_key')
  })
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
