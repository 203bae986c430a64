// Owns the attention worker's process: the only place that reads the environment.
import { isTandemError, parseOptions } from '@tandem/core'
import { runWorker } from '@tandem/worker'
import { pino } from 'pino'
import { attentionWorkerOptions } from './options.js'
import { startAttentionWorker } from './worker.js'

try {
  const options = parseOptions(attentionWorkerOptions, { env: process.env })
  const logger = pino({ name: 'attention-worker', level: options.logLevel })
  process.exit(await runWorker(() => startAttentionWorker(options, { logger }), logger))
} catch (error) {
  if (!isTandemError(error)) throw error
  process.stderr.write(`tandem attention-worker: ${error.message}\n`)
  process.exit(2)
}
