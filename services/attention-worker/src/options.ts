// Owns the attention worker's options: one table for flags, TANDEM_* variables and defaults.
import { computeOptions, defineOptions, kvCacheOptions, threadOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'

export const attentionWorkerOptions = defineOptions({
  schedulerAddress: { type: 'string', default: '127.0.0.1:8001', description: 'host:port of the scheduler' },
  model: { type: 'string', description: 'model directory or GGUF file' },
  servedModelName: { type: 'string', default: '', description: "name clients ask for; empty takes the model's own" },
  workerId: { type: 'string', default: '', description: 'unique name in the cluster; empty makes one up' },
  backend: { type: 'string', default: 'auto', choices: ['auto', 'reference', 'cpu', 'cuda'], description: 'who does the arithmetic' },
  connector: {
    type: 'string',
    default: 'auto',
    choices: ['auto', 'loopback', 'shm', 'tcp', 'grpc'],
    description: 'how activations travel; loopback computes the FFN side in this process too'
  },
  kvCacheBytes: { type: 'integer', default: 0, min: 0, description: 'bytes of the KV cache; 0 takes a quarter of the free memory at most' },
  blockSize: { type: 'integer', default: 16, min: 1, max: 1024, description: 'tokens per KV block' },
  ...kvCacheOptions,
  maxModelLen: { type: 'integer', default: 0, min: 0, description: "longest sequence in tokens; 0 takes the model's, or what the KV cache holds" },
  activationDtype: {
    type: 'string', default: 'f32', choices: ['f32', 'bf16', 'fp8_e4m3'], description: 'what activations travel in; the same for all attention workers'
  },
  ffnSplit: { type: 'string', default: 'ep', choices: ['ep', 'tp'], description: 'loopback only: how MoE layers are cut, as the scheduler is told for other deployments' },
  ffnTimeoutMs: { type: 'integer', default: 30_000, min: 1, description: "ms one layer may wait for FFN workers before the step fails; covers a member's replacement" },
  ...computeOptions,
  ...threadOptions,
  drainTimeoutMs: { type: 'integer', default: 30_000, min: 0, description: 'ms to wait for the scheduler to move sequences away at shutdown' },
  clusterToken: { type: 'string', default: '', secret: true, description: 'token every member of the cluster shows' },
  logLevel: {
    type: 'string', default: 'info', choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], description: 'lowest level that is logged'
  }
})

export type AttentionWorkerOptions = OptionsOf<typeof attentionWorkerOptions>
