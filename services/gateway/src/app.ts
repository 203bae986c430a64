// Owns the HTTP app: plugins, hooks and routes in order. Does not listen and reads no environment.
import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify, LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { GatewayDependencies } from './dependencies.js'
import { gatewayError } from './errors.js'
import { installAuthentication } from './plugins/authentication.js'
import { installBodyParser } from './plugins/body-parser.js'
import { clientErrorResponse, installErrorHandlers } from './plugins/errors.js'
import { addAdminRoutes } from './routes/admin-routes.js'
import { addGenerationRoutes } from './routes/generation-routes.js'
import { addModelRoutes } from './routes/model-routes.js'
import { addOperationRoutes } from './routes/operation-routes.js'

export type App = FastifyInstance<
  RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider
>

export async function buildApp (dependencies: GatewayDependencies): Promise<App> {
  const { options, logger } = dependencies
  const app: App = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    bodyLimit: options.maxBodyBytes,
    // A wrong type is an error that names the field, not something to repair.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, verbose: true } },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    // Of receiving a request; generating takes as long as it takes.
    requestTimeout: 60_000,
    genReqId: () => randomUUID(),
    // While closing we answer in our own words.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    clientErrorHandler (_error, socket) { if (socket.writable) socket.end(clientErrorResponse()) }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.addHook('onRequest', async (request, reply) => { void reply.header('x-request-id', request.id) })
  let closing = false
  app.addHook('preClose', async () => { closing = true })
  app.addHook('onRequest', async () => { if (closing) throw gatewayError('shutting_down') })
  // A connection that was busy when closing began becomes idle now; nothing else would end it before its keep-alive does.
  app.addHook('onResponse', async () => { if (closing) setImmediate(() => { app.server.closeIdleConnections() }) })
  installErrorHandlers(app, options.maxBodyBytes, dependencies.metrics)
  installAuthentication(app, options.apiKey)
  installBodyParser(app)
  await app.register(swagger, {
    // The schemas are JSON Schema (a number after exclusiveMinimum), which OpenAPI takes from 3.1 on.
    openapi: { openapi: '3.1.0', info: { title: 'Tandem', description: 'OpenAI-compatible API of a Tandem cluster.', version: '0.1.0' } }
  })
  app.after(() => {
    addModelRoutes(app, dependencies)
    addGenerationRoutes(app, dependencies)
    addAdminRoutes(app, dependencies)
    addOperationRoutes(app, dependencies)
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  })
  await app.ready()
  return app
}
