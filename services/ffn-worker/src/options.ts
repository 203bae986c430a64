// Owns the FFN worker's options: one table for flags, TANDEM_* variables and defaults.
import { computeOptions, defineOptions, threadOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'

export const ffnWorkerOptions = defineOptions({
  schedulerAddress: { type: 'string', default: '127.0.0.1:8001', description: 'host:port of the scheduler' },
  model: { type: 'string', description: 'model directory or GGUF file' },
  servedModelName: { type: 'string', default: '', description: "name clients ask for; empty takes the model's own" },
  workerId: { type: 'string', default: '', description: 'unique name in the cluster; empty makes one up' },
  backend: { type: 'string', default: 'auto', choices: ['auto', 'reference', 'cpu', 'cuda'], description: 'who does the arithmetic' },
  connector: { type: 'string', default: 'auto', choices: ['auto', 'shm', 'tcp', 'grpc'], description: 'how activations travel; auto offers all it can' },
  host: { type: 'string', default: '127.0.0.1', description: 'address to listen on for attention workers' },
  port: { type: 'integer', default: 0, min: 0, max: 65534, description: 'first port to listen on (one per connector offered), 0 picks free ones' },
  advertiseHost: { type: 'string', default: '', description: 'host attention workers dial; empty is the address listened on, or the host name if that is a wildcard' },
  maxQueuedFrames: { type: 'integer', default: 1024, min: 1, description: 'frames that may wait before senders are told "overloaded"' },
  ...computeOptions,
  ...threadOptions,
  drainTimeoutMs: { type: 'integer', default: 30_000, min: 0, description: 'ms to wait for the scheduler to move the shards away at shutdown' },
  clusterToken: { type: 'string', default: '', secret: true, description: 'token every member of the cluster shows; required unless host is loopback' },
  logLevel: {
    type: 'string', default: 'info', choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], description: 'lowest level that is logged'
  }
})

export type FfnWorkerOptions = OptionsOf<typeof ffnWorkerOptions>
