// Owns /health (the process answers), /ready (a request would be served) and /metrics (ours and the scheduler's).
import type { App } from '../app.js'
import type { GatewayDependencies } from '../dependencies.js'
import { callScheduler } from '../scheduler/scheduler-calls.js'
import { gatewayError } from '../errors.js'

export function addOperationRoutes (app: App, { link, metrics, scheduler, logger }: GatewayDependencies): void {
  app.get('/health', { schema: { tags: ['operations'], summary: 'The process answers' }, logLevel: 'warn' }, () => ({ status: 'ok' }))

  app.get('/ready', { schema: { tags: ['operations'], summary: 'A request would be served' }, logLevel: 'warn' }, () => {
    if (!link.state.ready) throw gatewayError('not_ready', { reason: link.state.reason })
    return { status: 'ready' }
  })

  app.get('/metrics', { schema: { tags: ['operations'], summary: 'Prometheus text' }, logLevel: 'warn' }, async (_request, reply) => {
    const ours = await metrics.registry.metrics()
    const theirs = await callScheduler(scheduler, 'getMetrics', {}).then(response => response.text, (error: unknown) => {
      logger.debug({ err: error }, 'the scheduler gave no metrics')
      return ''
    })
    void reply.type(metrics.registry.contentType)
    return theirs === '' ? ours : `${ours.trimEnd()}\n${theirs}`
  })
}
