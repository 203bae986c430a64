// Owns the options of what numbers are kept and multiplied in: quantised weights', for both kinds of worker, and the KV cache's.
import { defineOptions } from './options.js'

export const computeOptions = defineOptions({
  computeDtype: {
    type: 'string',
    default: 'auto',
    choices: ['auto', 'int8', 'bf16'],
    description: 'what activations are rounded to before they meet quantised weights; auto is int8, bf16 needs AMX; the same for all workers of a kind'
  }
})

export const kvCacheOptions = defineOptions({
  kvDtype: {
    type: 'string',
    default: 'auto',
    choices: ['auto', 'f32', 'f16', 'bf16', 'fp8', 'int8'],
    description: "what the KV cache is kept in; auto is the backend's"
  }
})
