// Owns the process: the only place that reads the environment, listens for signals and exits.
import { isTandemError, parseOptions } from '@tandem/core'
import { pino } from 'pino'
import { gatewayOptions } from './options.js'
import { startGateway } from './start.js'

async function main (): Promise<void> {
  const options = parseOptions(gatewayOptions, { env: process.env })
  const logger = pino({ level: options.logLevel, base: { service: 'gateway' } })
  const gateway = await startGateway(options, { logger })
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    // A second signal means now.
    if (stopping) process.exit(1)
    stopping = true
    logger.info({ signal }, 'stopping')
    gateway.close().then(() => process.exit(0), (error: unknown) => {
      logger.error({ err: error }, 'could not stop cleanly')
      process.exit(1)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

main().catch((error: unknown) => {
  process.stderr.write(`tandem gateway: ${isTandemError(error) ? error.message : String((error as Error).stack ?? error)}\n`)
  // As the other services do: 2 is a wrong setting, a missing model, a busy port; 1 is a fault of ours.
  process.exit(isTandemError(error) ? 2 : 1)
})
