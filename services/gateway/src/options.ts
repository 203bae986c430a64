// Owns the gateway's options. The command line reads them without loading the gateway: nothing but core is imported here.
import { defineOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'

export const gatewayOptions = defineOptions({
  host: { type: 'string', default: '127.0.0.1', description: 'address to listen on' },
  port: { type: 'integer', default: 8000, min: 0, max: 65535, description: 'HTTP port, 0 picks a free one' },
  schedulerAddress: { type: 'string', default: '127.0.0.1:8001', description: 'host:port of the scheduler' },
  model: { type: 'string', description: 'model directory or GGUF file: tokenizer and chat template are read from it' },
  servedModelName: { type: 'string', default: '', description: "name clients ask for; empty takes the model's own" },
  apiKey: { type: 'string', default: '', secret: true, description: 'key clients must show as "Authorization: Bearer"; empty asks for none' },
  allowUnauthenticated: { type: 'boolean', default: false, description: 'listen on a host that others reach without an API key' },
  clusterToken: { type: 'string', default: '', secret: true, description: 'token every member of the cluster shows' },
  maxBodyBytes: { type: 'integer', default: 4 * 1024 * 1024, min: 1024, description: 'bytes of the largest request body' },
  maxChoices: { type: 'integer', default: 16, min: 1, max: 1024, description: 'sequences one request may ask for (prompts times n)' },
  maxInFlight: { type: 'integer', default: 2048, min: 1, description: 'sequences in flight before requests are answered 429' },
  maxBufferedBytes: {
    type: 'integer', default: 1024 * 1024, min: 1024, description: 'bytes kept for a client that reads too slowly before its request is aborted'
  },
  reattachTimeoutMs: {
    type: 'integer', default: 30_000, min: 0, description: 'ms a request in flight waits for a lost scheduler to come back'
  },
  shutdownTimeoutMs: { type: 'integer', default: 30_000, min: 0, description: 'ms requests in flight may take to finish at shutdown' },
  logLevel: {
    type: 'string', default: 'info', choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], description: 'lowest level that is logged'
  }
})

export type GatewayOptions = OptionsOf<typeof gatewayOptions>
