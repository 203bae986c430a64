// Owns the option of what quantised weights are multiplied in, the same for both kinds of worker.
import { defineOptions } from './options.js'

export const computeOptions = defineOptions({
  computeDtype: {
    type: 'string',
    default: 'auto',
    choices: ['auto', 'int8', 'bf16'],
    description: 'what activations are rounded to before they meet quantised weights; auto is int8, bf16 needs AMX; the same for all workers of a kind'
  }
})
