// Owns one streaming request: raw http, times of its tokens, one retry rule. Knows nothing of load or statistics.
import { request as httpRequest } from 'node:http'
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { errorMessage, SseScanner } from './sse-scanner.js'

export interface Target {
  readonly url: URL
  readonly agent: Agent
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface RequestRecord {
  readonly startMs: number
  endMs: number
  /** When events with text came, from the same clock. */
  readonly textTimesMs: number[]
  promptTokens: number
  /** What the server says in `usage`; undefined when it says nothing. */
  usageTokens: number | undefined
  error: string | undefined
  numRetries: number
}

const numRetriesMax = 3

/** Never rejects: a failure is a record with `error`. A connection that breaks before the first byte is tried again. */
export async function sendStreaming (
  target: Target, body: string, nowMs: () => number, onText: () => void, signal: AbortSignal
): Promise<RequestRecord> {
  const record: RequestRecord = {
    startMs: nowMs(), endMs: 0, textTimesMs: [], promptTokens: 0, usageTokens: undefined, error: undefined, numRetries: 0
  }
  while (true) {
    const outcome = await attempt(target, body, record, nowMs, onText, signal)
    if (outcome !== 'broken_before_first_byte') break
    if (record.numRetries === numRetriesMax || signal.aborted) break
    record.error = undefined
    record.numRetries++
  }
  record.endMs = nowMs()
  return record
}

type Outcome = 'answered' | 'broken_before_first_byte'

function attempt (
  target: Target, body: string, record: RequestRecord, nowMs: () => number, onText: () => void, signal: AbortSignal
): Promise<Outcome> {
  return new Promise(resolve => {
    let gotByte = false
    const fail = (error: NodeJS.ErrnoException) => {
      record.error ??= error.code ?? error.message
      const broken = error.code === 'ECONNRESET' || error.code === 'EPIPE'
      resolve(!gotByte && broken ? 'broken_before_first_byte' : 'answered')
    }
    const request = open(target, body, signal)
    request.once('error', fail)
    request.once('response', (response: IncomingMessage) => {
      response.once('error', fail)
      response.once('data', () => { gotByte = true })
      response.once('end', () => resolve('answered'))
      response.setEncoding('utf8')
      if (response.statusCode === 200) readStream(response, record, nowMs, onText)
      else readRefusal(response, record)
    })
    request.end(body)
  })
}

function open (target: Target, body: string, signal: AbortSignal): ClientRequest {
  const send = target.url.protocol === 'https:' ? httpsRequest : httpRequest
  const options: RequestOptions = {
    method: 'POST',
    agent: target.agent,
    signal,
    headers: { ...target.headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  }
  const request = send(target.url, options)
  request.setTimeout(target.timeoutMs, () => request.destroy(new Error(`no byte for ${target.timeoutMs / 1000} s`)))
  return request
}

function readStream (response: IncomingMessage, record: RequestRecord, nowMs: () => number, onText: () => void): void {
  let done = false
  const scanner = new SseScanner({
    onText: () => {
      record.textTimesMs.push(nowMs())
      onText()
    },
    onUsage: (promptTokens, completionTokens) => {
      record.promptTokens = promptTokens
      record.usageTokens = completionTokens
    },
    onError: message => { record.error = message },
    onDone: () => { done = true }
  })
  response.on('data', (chunk: string) => scanner.push(chunk))
  response.once('end', () => { if (!done) record.error ??= 'the stream ended without [DONE]' })
}

function readRefusal (response: IncomingMessage, record: RequestRecord): void {
  let text = ''
  response.on('data', (chunk: string) => { text += chunk })
  response.once('end', () => { record.error = `HTTP ${response.statusCode}: ${errorMessage(text)}` })
}
