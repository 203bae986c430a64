// Owns the scheduler process: the only place that reads the environment and handles signals.
import { isTandemError, parseOptions } from '@tandem/core'
import { pino } from 'pino'
import { schedulerOptions } from './options.js'
import { startScheduler } from './server.js'

try {
  const options = parseOptions(schedulerOptions, { env: process.env })
  const logger = pino({ name: 'scheduler', level: options.logLevel })
  const scheduler = await startScheduler(options, { logger, onFatal: () => { process.exit(1) } })
  const stop = (): void => {
    scheduler.close().then(() => { process.exit(0) }, (error: unknown) => {
      logger.error({ err: error }, 'close failed')
      process.exit(1)
    })
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
} catch (error) {
  if (!isTandemError(error)) throw error
  process.stderr.write(`tandem scheduler: ${error.message}\n`)
  process.exitCode = error.grpcStatus === 'INVALID_ARGUMENT' ? 2 : 1
}
