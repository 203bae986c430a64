// Owns the FFN worker's process: the only place that reads the environment.
import { isTandemError, parseOptions } from '@tandem/core'
import { runWorker } from '@tandem/worker'
import { pino } from 'pino'
import { ffnWorkerOptions } from './options.js'
import { startFfnWorker } from './worker.js'

try {
  const options = parseOptions(ffnWorkerOptions, { env: process.env })
  const logger = pino({ name: 'ffn-worker', level: options.logLevel })
  process.exit(await runWorker(() => startFfnWorker(options, { logger }), logger))
} catch (error) {
  if (!isTandemError(error)) throw error
  process.stderr.write(`tandem ffn-worker: ${error.message}\n`)
  process.exit(2)
}
