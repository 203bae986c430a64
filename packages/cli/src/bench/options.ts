// Owns the options of `tandem bench`.
import { defineOptions } from '@tandem/core'

export const benchOptions = defineOptions({
  url: { type: 'string', description: 'base URL of any OpenAI-compatible server', default: 'http://127.0.0.1:8000' },
  model: { type: 'string', description: 'model to ask for; the first the server lists if not given' },
  apiKey: { type: 'string', description: 'key the server wants; TANDEM_API_KEY if not given', secret: true },
  endpoint: { type: 'string', description: 'which API is called', default: 'completions', choices: ['completions', 'chat'] },
  concurrency: { type: 'integer', description: 'users; each sends its next request when the last is answered', default: 8, min: 1, max: 4096 },
  rate: { type: 'number', description: 'requests per second at random times, whatever is still open; 0 for users in a loop', default: 0, min: 0 },
  numRequests: { type: 'integer', description: 'requests to measure; 4 per user if not given', min: 1 },
  warmup: { type: 'integer', description: 'requests before the measurement; one per user if not given', min: 0 },
  maxTokens: { type: 'integer', description: 'output tokens per request', default: 128, min: 1 },
  promptTokens: { type: 'integer', description: 'prompt length: common words of about one token each', default: 128, min: 1 },
  promptIds: { type: 'boolean', description: 'send prompts as random token ids, for an exact length (completions only)', default: false },
  promptFile: { type: 'string', description: 'text file with one prompt per line, instead of made-up ones' },
  ignoreEos: { type: 'boolean', description: 'ask for exactly max-tokens tokens (needs a server that knows ignore_eos)', default: false },
  temperature: { type: 'number', description: 'sampling temperature', default: 0, min: 0 },
  seed: { type: 'integer', description: 'of prompts and arrival times', default: 1, min: 0 },
  requestTimeout: { type: 'integer', description: 'seconds after which a request counts as failed', default: 600, min: 1 },
  output: { type: 'string', description: 'file for the results as JSON' }
})
