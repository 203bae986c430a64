// Owns the one option no worker can do without.
import { flagName, makeError, optionErrors } from '@tandem/core'

/** Throws `option_missing`. */
export function requireModel (model: string | undefined): string {
  if (model !== undefined && model !== '') return model
  throw makeError(optionErrors, 'option_missing', { source: flagName('model'), description: 'model directory or GGUF file' })
}
