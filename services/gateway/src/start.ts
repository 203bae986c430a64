// Owns wiring the gateway from its options: model, scheduler link, app, listener; and taking it down again.
import type { AddressInfo } from 'node:net'
import { openModel } from '@tandem/model'
import { createSchedulerClient, isLoopbackHost } from '@tandem/protocol'
import { loadTokenizer } from '@tandem/tokenizer'
import type { Logger } from 'pino'
import { buildApp } from './app.js'
import { gatewayError } from './errors.js'
import { createMetrics } from './metrics/metrics.js'
import { checkFit } from './openai/tokenizer-fit.js'
import { requireKeyUnlessLoopback, requireModel } from './option-checks.js'
import type { GatewayOptions } from './options.js'
import { SchedulerLink } from './scheduler/scheduler-link.js'

export interface Gateway {
  /** host:port of the HTTP listener. */
  readonly address: string
  /** Stops accepting, lets requests in flight finish for shutdownTimeoutMs, then aborts them. */
  close (): Promise<void>
}

/** Throws `option_missing`, `api_key_required`, `tokenizer_mismatch`, `listen_failed`, and what opening the model throws. */
export async function startGateway (options: GatewayOptions, { logger }: { readonly logger: Logger }): Promise<Gateway> {
  requireKeyUnlessLoopback(options)
  if (options.apiKey === '' && !isLoopbackHost(options.host)) logger.warn({ host: options.host }, 'anyone who reaches this host may use the model')
  const model = await openModel(requireModel(options))
  const tokenizer = await loadTokenizer(model.tokenizer)
  checkFit(tokenizer, model.config.vocabSize, logger)
  const scheduler = createSchedulerClient(options.schedulerAddress, options.clusterToken)
  const link = new SchedulerLink(scheduler, {
    reattachTimeoutMs: options.reattachTimeoutMs, modelFingerprint: model.fingerprint, logger: logger.child({ component: 'scheduler-link' })
  })
  const app = await buildApp({
    options,
    logger,
    model: {
      name: options.servedModelName === '' ? model.name : options.servedModelName,
      vocabSize: model.config.vocabSize,
      eosTokenIds: model.config.eosTokenIds
    },
    tokenizer,
    link,
    scheduler,
    metrics: createMetrics({ processMetrics: true }),
    nowMs: () => performance.now(),
    now: () => new Date()
  })
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    scheduler.close()
    throw gatewayError('listen_failed', { host: options.host, port: options.port, reason: (error as Error).message }, { cause: error })
  }
  link.start()
  const { address, port } = app.server.address() as AddressInfo
  const bound = `${address.includes(':') ? `[${address}]` : address}:${port}`
  logger.info({ address: bound, model: model.name }, 'gateway is listening')
  return {
    address: bound,
    async close () {
      const timer = setTimeout(() => {
        logger.warn({ numSequences: link.numLive }, 'requests in flight did not finish in time, aborted')
        link.close()
        app.server.closeAllConnections()
      }, options.shutdownTimeoutMs)
      await app.close()
      clearTimeout(timer)
      link.close()
      scheduler.close()
    }
  }
}
