// Owns one wave: all users send at the same moment, and it ends with the last of them.
import { Agent } from 'node:http'
import { sendStreaming } from '@tandem/cli'
import type { RequestRecord } from '@tandem/cli'
import type { Server } from '../servers/server.js'
import type { Workload } from './workload.js'

export interface WaveResult {
  /** Tokens the workload counts, from `usage`. */
  readonly numTokens: number
  /** From the first request sent to the last stream ended. */
  readonly durationMs: number
  readonly ttftMs: readonly number[]
  readonly itlMs: readonly number[]
  readonly numRetries: number
  readonly errors: readonly string[]
}

const requestTimeoutMs = 300_000

export async function runWave (server: Server, workload: Workload, prompts: readonly string[], signal: AbortSignal): Promise<WaveResult> {
  // No connection is used twice: some servers reset it after a stream.
  const agent = new Agent({ keepAlive: false, maxSockets: Infinity })
  const target = { url: new URL(`${server.url}/v1/completions`), agent, headers: {}, timeoutMs: requestTimeoutMs }
  const nowMs = () => performance.now()
  const records = await Promise.all(prompts.map(async prompt =>
    await sendStreaming(target, requestBody(server.model, prompt, workload.maxTokens), nowMs, () => {}, signal)))
  agent.destroy()
  signal.throwIfAborted()
  return summarizeWave(records, workload)
}

function requestBody (model: string, prompt: string, maxTokens: number): string {
  return JSON.stringify({
    model, prompt, max_tokens: maxTokens, temperature: 0, ignore_eos: true, stream: true, stream_options: { include_usage: true }
  })
}

/** A request whose length the server does not report counts for nothing: events are not tokens. */
export function summarizeWave (records: readonly RequestRecord[], workload: Workload): WaveResult {
  const answered = records.filter(record => record.error === undefined && record.usageTokens !== undefined)
  const startMs = Math.min(...records.map(record => record.startMs))
  const endMs = Math.max(...records.map(record => record.endMs))
  const tokensOf = (record: RequestRecord) => workload.counts === 'output' ? record.usageTokens ?? 0 : record.promptTokens
  return {
    numTokens: answered.reduce((total, record) => total + tokensOf(record), 0),
    durationMs: endMs - startMs,
    // An only token that stands for no text shows itself by the end of the stream.
    ttftMs: answered.map(record => (record.textTimesMs[0] ?? record.endMs) - record.startMs),
    itlMs: answered.flatMap(({ textTimesMs }) => textTimesMs.slice(1).map((time, idx) => time - (textTimesMs[idx] ?? time))),
    numRetries: records.reduce((total, record) => total + record.numRetries, 0),
    errors: records.flatMap(record => failureOf(record, workload) ?? [])
  }
}

/** An answer that ends early leaves the others alone sooner: its figure would not be that of so many users. */
function failureOf ({ error, usageTokens }: RequestRecord, { maxTokens }: Workload): string | undefined {
  if (error !== undefined) return error
  if (usageTokens === undefined) return 'the server reports no usage'
  return usageTokens < maxTokens ? 'the answer ended early: ignore_eos is not honoured' : undefined
}
