// Owns what comes out of a ubatch's last layer: sampled tokens and prompt logprobs. Changes no sequence.
import type { AttentionBackend } from '../backend.js'
import { tokenLogprobs } from '../sampler/logprobs.js'
import type { Sample, Sampler } from '../sampler/sampler.js'
import type { PromptLogprobs } from '../types.js'
import type { ScheduledRows } from './sequence-table.js'
import type { UbatchWork } from './ubatch-rows.js'

/** Logits held at a time: 32 rows of a 128k vocabulary are 16 MB. */
const ROWS_AT_A_TIME = 32

export interface SampledRow {
  readonly scheduled: ScheduledRows
  readonly sample: Sample
}

export interface UbatchOutput {
  readonly sampled: SampledRow[]
  readonly promptLogprobs: PromptLogprobs[]
}

/** A row whose logits are needed, and for what. */
interface WantedRow {
  readonly row: number
  use (logits: Float32Array): void
}

export function sampleUbatch (work: UbatchWork, residual: Float32Array, backend: AttentionBackend, sampler: Sampler): UbatchOutput {
  const output: UbatchOutput = { sampled: [], promptLogprobs: [] }
  const wanted = work.rows.flatMap((scheduled, i) => wantedRows(scheduled, work.ubatch.sequences[i]?.firstRow ?? 0, sampler, output))
  for (let start = 0; start < wanted.length; start += ROWS_AT_A_TIME) {
    const group = wanted.slice(start, start + ROWS_AT_A_TIME)
    const logits = backend.logits(residual, group.map(({ row }) => row))
    group.forEach(({ use }, i) => { use(logits[i] as Float32Array) })
  }
  return output
}

function wantedRows (scheduled: ScheduledRows, firstRow: number, sampler: Sampler, output: UbatchOutput): WantedRow[] {
  const { sequence, startPosition, numTokens, isSampled } = scheduled
  const { seqId, sampling, samplerState } = sequence
  const wanted: WantedRow[] = []
  const numTop = sampling.promptLogprobs
  if (numTop !== undefined) {
    // The row at position p scores the prompt token at p + 1.
    const end = Math.min(startPosition + numTokens, sequence.numPromptTokens - 1)
    for (let position = startPosition; position < end; position++) {
      const tokenId = sequence.tokenIds[position + 1] as number
      wanted.push({
        row: firstRow + position - startPosition,
        use: logits => { output.promptLogprobs.push({ seqId, position: position + 1, logprobs: tokenLogprobs(logits, tokenId, numTop) }) }
      })
    }
  }
  if (isSampled) {
    wanted.push({
      row: firstRow + numTokens - 1,
      use: logits => {
        output.sampled.push({ scheduled, sample: sampler.sample(logits, samplerState, sampling, sequence.numTokens) })
      }
    })
  }
  return wanted
}
