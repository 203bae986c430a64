// Owns the options of `tandem scale`.
import { defineOptions } from '@tandem/core'

export const scaleOptions = defineOptions({
  timeout: { type: 'integer', description: 'seconds to wait for the workers', default: 120, min: 1 },
  force: { type: 'boolean', description: 'start more workers than the machine has use for', default: false }
})
