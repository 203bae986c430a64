// Owns turning --model into a path on this machine.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { makeError } from '@tandem/core'
import { defaultModelPath } from '@tandem/default-model'
import { cliErrors } from '../errors.js'

/** Throws `model_missing`. */
export async function resolveModelPath (model: string | undefined): Promise<string> {
  if (model === undefined) return defaultModelPath
  if (existsSync(model)) return resolve(model)
  throw makeError(cliErrors, 'model_missing', { model })
}
