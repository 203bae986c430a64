// Owns turning request records into figures. Pure. TTFT, TPOT, ITL and E2E as everyone in this field counts them:
// TTFT first text after sending; ITL gaps between events with text; TPOT (E2E - TTFT) / (output tokens - 1) per request.
import type { RequestRecord } from './streaming-request.js'

export interface Distribution {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export interface Summary {
  readonly durationS: number
  readonly numRequests: number
  readonly numFailed: number
  readonly numRetries: number
  readonly outputTokens: number
  readonly promptTokens: number
  /** `usage` when every answered request reported it, `chunks` when events with text had to be counted for some. */
  readonly tokensCountedFrom: 'usage' | 'chunks'
  readonly requestsPerSecond: number
  readonly outputTokensPerSecond: number
  readonly totalTokensPerSecond: number
  readonly ttftMs: Distribution
  readonly itlMs: Distribution
  readonly tpotMs: Distribution
  readonly e2eMs: Distribution
  /** Message -> how often. */
  readonly errors: Readonly<Record<string, number>>
}

export function outputTokensOf (record: RequestRecord): number {
  return record.usageTokens ?? record.textTimesMs.length
}

export function summarize (records: readonly RequestRecord[]): Summary {
  const answered = records.filter(record => record.error === undefined && record.textTimesMs.length > 0)
  const startMs = records.reduce((least, record) => Math.min(least, record.startMs), Infinity)
  const endMs = records.reduce((most, record) => Math.max(most, record.endMs), -Infinity)
  const durationS = records.length === 0 ? 0 : (endMs - startMs) / 1000
  const outputTokens = sum(answered.map(outputTokensOf))
  const promptTokens = sum(answered.map(record => record.promptTokens))
  const perSecond = (count: number) => durationS > 0 ? count / durationS : 0
  return {
    durationS,
    numRequests: records.length,
    numFailed: records.length - answered.length,
    numRetries: sum(records.map(record => record.numRetries)),
    outputTokens,
    promptTokens,
    tokensCountedFrom: answered.every(record => record.usageTokens !== undefined) ? 'usage' : 'chunks',
    requestsPerSecond: perSecond(answered.length),
    outputTokensPerSecond: perSecond(outputTokens),
    totalTokensPerSecond: perSecond(outputTokens + promptTokens),
    ttftMs: distributionOf(answered.map(ttftMs)),
    itlMs: distributionOf(answered.flatMap(gapsMs)),
    tpotMs: distributionOf(answered.flatMap(tpotMs)),
    e2eMs: distributionOf(answered.map(record => record.endMs - record.startMs)),
    errors: countErrors(records)
  }
}

function ttftMs (record: RequestRecord): number { return (record.textTimesMs[0] ?? record.endMs) - record.startMs }

function gapsMs (record: RequestRecord): number[] {
  return record.textTimesMs.slice(1).map((time, idx) => time - (record.textTimesMs[idx] ?? time))
}

function tpotMs (record: RequestRecord): number[] {
  const tokens = outputTokensOf(record)
  return tokens < 2 ? [] : [(record.endMs - record.startMs - ttftMs(record)) / (tokens - 1)]
}

function countErrors (records: readonly RequestRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const record of records) {
    const reason = record.error ?? (record.textTimesMs.length === 0 ? 'no text came' : undefined)
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1
  }
  return counts
}

/** Percentiles by nearest rank; zeros for no values. */
export function distributionOf (values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort()
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? 0 : sum(values) / sorted.length,
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
    max: sorted.at(-1) ?? 0
  }
}

function sum (values: readonly number[]): number { return values.reduce((total, value) => total + value, 0) }
