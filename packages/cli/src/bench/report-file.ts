// Owns the file the results go to.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { makeError } from '@tandem/core'
import { cliErrors } from '../errors.js'
import { systemReason } from '../terminal/system-reason.js'
import type { BenchReport } from './report.js'

/** Before the measurement rather than after it. What the file holds stays. Throws `file_unwritable`. */
export function requireWritable (path: string): void {
  refusing(path, () => closeSync(openSync(path, 'a')))
}

/** Throws `file_unwritable`. */
export function writeReport (path: string, report: BenchReport): void {
  refusing(path, () => writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`))
}

function refusing (path: string, action: () => void): void {
  try {
    action()
  } catch (error) {
    throw makeError(cliErrors, 'file_unwritable', { path, reason: systemReason(error) }, { cause: error })
  }
}
