// Owns the API key: which routes need it and how it is compared.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { gatewayError } from '../errors.js'

/** Load balancers and Prometheus have no key. Routes are compared, not paths: a path can be spelled in many ways. */
const openRoutes: ReadonlySet<string | undefined> = new Set(['/health', '/ready', '/metrics', '/openapi.json'])

export function installAuthentication (app: FastifyInstance, apiKey: string): void {
  if (apiKey === '') return
  // Digests have one length, so the comparison tells nothing of the key's.
  const expected = digest(apiKey)
  app.addHook('onRequest', async request => {
    if (openRoutes.has(request.routeOptions.url)) return
    const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined || !timingSafeEqual(digest(given), expected)) throw gatewayError('invalid_api_key')
  })
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
