// Owns the options of compute threads, the same for both kinds of worker.
import { defineOptions } from './options.js'

export const threadOptions = defineOptions({
  numThreads: { type: 'integer', default: 0, min: 0, max: 1024, description: 'compute threads; 0 is one per core it may use, hyperthreads not counted, on one NUMA node' },
  pinThreads: {
    type: 'string', default: 'auto', choices: ['auto', 'always', 'never'], description: 'binding of compute threads to cores; auto binds when there is one for every core'
  },
  numaNode: {
    type: 'string',
    default: 'auto',
    pattern: { regExp: /^(?:auto|off|\d{1,4}(?:,\d{1,4})*)$/, meaning: 'auto, off, or numbers of nodes as 0 or 0,1' },
    description: 'NUMA nodes to live on: auto is one if the threads fit on it, off ignores nodes, 0 or 0,1 are these'
  }
})
