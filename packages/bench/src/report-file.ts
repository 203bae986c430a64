// Owns --output: the report as JSON.
import { writeFileSync } from 'node:fs'
import { makeError } from '@tandem/core'
import { benchErrors } from './errors.js'

/** Does nothing without a path. Throws `file_unwritable`. */
export function writeReport (path: string | undefined, report: unknown): void {
  if (path === undefined) return
  try {
    writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  } catch (error) {
    throw makeError(benchErrors, 'file_unwritable', { path, reason: (error as NodeJS.ErrnoException).code ?? 'unknown' }, { cause: error })
  }
}
