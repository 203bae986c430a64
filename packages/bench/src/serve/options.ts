// Owns the options of the benches that load a server. Flags that are not here go to `tandem up`.
import { defineOptions } from '@tandem/core'

/** Of every bench that starts Tandem. */
export const startOptions = defineOptions({
  startTimeout: { type: 'integer', description: 'seconds a server may take to serve', default: 300, min: 1 },
  output: { type: 'string', description: 'file for the report as JSON' }
})

export const loadOptions = defineOptions({
  users: { type: 'string', description: 'how many users start together, one measurement each', default: '1,8,32' },
  rounds: { type: 'integer', description: 'rounds; the servers take turns in each', default: 3, min: 1, max: 100 },
  warmupSeconds: { type: 'integer', description: 'how long each server is loaded before the rounds that count, by whole rounds', default: 30, min: 0, max: 3600 },
  maxTokens: { type: 'integer', description: 'output tokens of each request', default: 96, min: 2 },
  promptWords: { type: 'integer', description: 'words of a decode prompt, about one token each', default: 4, min: 1 },
  seed: { type: 'integer', description: 'of the prompts', default: 1, min: 0 }
})

export const serveOptions = defineOptions({
  ...loadOptions,
  prefillPrompts: { type: 'integer', description: 'prompts sent together to measure prefill; 0 leaves it out', default: 4, min: 0, max: 1024 },
  prefillWords: { type: 'integer', description: 'words of a prefill prompt', default: 512, min: 1 },
  port: { type: 'integer', description: 'port of the Tandem that is started; 0 for a free one', default: 0, min: 0, max: 65535 },
  openvino: {
    type: 'string', description: 'command that prints {"decode": {"1": tokens/s, ...}, "prefill": tokens/s} as its last line, run once while the servers idle'
  },
  ...startOptions
})
