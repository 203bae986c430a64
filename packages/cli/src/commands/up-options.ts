// Owns the options of `tandem up` itself. The services' own options are accepted too and passed on.
import { defineOptions } from '@tandem/core'
import { modelsDirOption } from './model-options.js'

export const upOptions = defineOptions({
  model: { type: 'string', description: 'GGUF file, Hugging Face directory, or the id of a pulled model; the shipped one if not given' },
  ...modelsDirOption,
  attention: { type: 'integer', description: 'attention workers to start', default: 1, min: 1, max: 64 },
  ffn: { type: 'integer', description: 'ffn workers to start', default: 1, min: 0, max: 64 },
  backend: {
    type: 'string', description: 'who does the arithmetic', default: 'auto', choices: ['auto', 'reference', 'cpu', 'cuda']
  },
  connector: {
    type: 'string',
    description: 'how activations travel; loopback computes both sides in the attention worker',
    default: 'auto',
    choices: ['auto', 'loopback', 'shm', 'tcp', 'grpc']
  },
  redis: { type: 'string', description: 'URL of a Redis for the cluster state; kept in the scheduler\'s memory if not given' },
  host: { type: 'string', description: 'address the HTTP API listens on', default: '127.0.0.1' },
  port: { type: 'integer', description: 'port of the HTTP API', default: 8000, min: 1, max: 65535 },
  apiKey: { type: 'string', description: 'key that HTTP clients must send', secret: true },
  readyTimeout: { type: 'integer', description: 'seconds to wait until the cluster serves', default: 600, min: 1 },
  verbose: { type: 'boolean', description: 'show the log of every process', default: false }
})

/** Service options that `tandem up` decides itself; they are not accepted from outside. */
export const decidedByUp: ReadonlySet<string> = new Set([
  ...Object.keys(upOptions), 'schedulerAddress', 'workerId', 'advertiseHost'
])
