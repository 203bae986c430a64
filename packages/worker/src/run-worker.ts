// Owns the life of a worker process around its service: signals, exit codes, the last log line. Reads no environment.
import { isTandemError } from '@tandem/core'
import type { Logger } from 'pino'

export interface RunningWorker {
  readonly workerId: string
  /** Asks the scheduler to be emptied and waits for that, within bounds. */
  drain (): Promise<void>
  /** Stops at once. */
  close (): Promise<void>
  /** Resolves when the worker was told to leave or closed; rejects when it broke. */
  readonly done: Promise<void>
}

/** Runs until the worker is done or a signal asks it to leave (a second signal ends at once); returns the exit code. */
export async function runWorker (start: () => Promise<RunningWorker>, logger: Logger): Promise<number> {
  let worker: RunningWorker | undefined
  let isLeaving = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isLeaving) return process.exit(1)
    if (worker === undefined) return process.exit(0) // Still loading: nobody knows this worker yet.
    isLeaving = true
    logger.info({ signal }, 'leaving')
    leave(worker).catch((error: unknown) => {
      logger.error({ err: error }, 'could not leave cleanly')
      process.exit(1)
    })
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  try {
    worker = await start()
    await worker.done
    return 0
  } catch (error) {
    if (isTandemError(error)) logger.fatal({ code: error.code, ...error.facts }, error.message)
    else logger.fatal({ err: error }, 'worker failed')
    return isTandemError(error) && error.code.startsWith('option_') ? 2 : 1
  } finally {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
}

async function leave (worker: RunningWorker): Promise<void> {
  await worker.drain()
  await worker.close()
}
