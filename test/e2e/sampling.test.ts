// Sampling parameters over HTTP against other people's code: vLLM's penalties, transformers' biases and min_p, on the shipped model.
// The reference backend: its float32 logits are the oracle's, so every token has to be the same.
import { readFile } from 'node:fs/promises'
import { defaultModelPath } from '@tandem/default-model'
import { openModel } from '@tandem/model'
import { loadTokenizer } from '@tandem/tokenizer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort, startTandem } from '../support/tandem-process.js'
import type { TandemProcess } from '../support/tandem-process.js'

interface Golden {
  readonly cases: ReadonlyArray<{ readonly params: object, readonly prompt: readonly number[], readonly output: readonly number[] }>
}

const golden = JSON.parse(await readFile(new URL('../golden/default-model/sampling.json', import.meta.url), 'utf8')) as Golden
const tokenizer = await loadTokenizer((await openModel(defaultModelPath)).tokenizer)
let port: number
let tandem: TandemProcess

beforeAll(async () => {
  port = await freePort()
  tandem = startTandem(['up', '--port', String(port), '--backend', 'reference', '--kv-cache-bytes', String(64 * 1024 * 1024)])
  await tandem.printed('Ctrl-C stops everything')
})

afterAll(async () => {
  tandem.signal('SIGTERM')
  await tandem.exited
})

async function complete (prompt: readonly number[], params: object, maxTokens: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, max_tokens: maxTokens, ignore_eos: true, ...params })
  })
  const body = await response.json() as { choices?: Array<{ text: string }> }
  return body.choices?.[0]?.text ?? JSON.stringify(body)
}

// Concurrent, so that one batch computes them all.
it.concurrent.each(golden.cases.map(one => [JSON.stringify(one.params), one] as const))('%s', async (_, { params, prompt, output }) => {
  expect(await complete(prompt, params, output.length)).toBe(tokenizer.decode(output))
})
