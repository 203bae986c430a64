// Owns how loading shows in the log: `{progress: 0..1}`, once per twentieth, for the command line to draw.
import type { Logger } from 'pino'

const NUM_LINES = 20

/** A callback for an engine's onProgress. Starts again when a later load begins. */
export function logProgress (logger: Logger, message: string): (doneBytes: number, totalBytes: number) => void {
  let lastStep = -1
  return (doneBytes, totalBytes) => {
    const step = totalBytes === 0 ? NUM_LINES : Math.floor(doneBytes / totalBytes * NUM_LINES)
    if (step === lastStep) return
    lastStep = step
    logger.info({ progress: step / NUM_LINES, totalBytes }, message)
  }
}
