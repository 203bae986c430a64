// Owns where the time of a measurement went: from counters before and after it to time per step of each stage, and the share of time
// in which a side had nothing to do (the bubble). Pure.
import { sumOfMetric } from './metrics-text.js'

/** Totals since the cluster started, in seconds. */
export interface StageTotals {
  readonly numSteps: number
  readonly stepS: number
  readonly attentionS: number
  readonly ffnWaitS: number
  readonly sampleS: number
  readonly ffnComputeS: number
  /** Executions of a layer. */
  readonly numFfnBatches: number
  readonly numFfnFrames: number
}

export const noStageTotals: StageTotals = {
  numSteps: 0, stepS: 0, attentionS: 0, ffnWaitS: 0, sampleS: 0, ffnComputeS: 0, numFfnBatches: 0, numFfnFrames: 0
}

export interface StageTimes {
  readonly numSteps: number
  /** Milliseconds per step. */
  readonly stepMs: number
  readonly attentionMs: number
  readonly ffnWaitMs: number
  readonly sampleMs: number
  readonly ffnComputeMs: number
  /** Frames per execution of a layer. */
  readonly ffnMerge: number
  /** Share of step time in which the attention worker only waited for FFN output. */
  readonly attentionBubble: number
  /** Share of step time in which the ffn worker computed nothing. */
  readonly ffnBubble: number
  /** Share of the measurement in which no step ran: scheduler, gateway, clients. */
  readonly betweenSteps: number
}

export function readStageTotals (metrics: string): StageTotals {
  const stage = (name: string) => sumOfMetric(metrics, 'tandem_scheduler_step_seconds_sum', { stage: name })
  return {
    numSteps: sumOfMetric(metrics, 'tandem_scheduler_step_seconds_count', { stage: 'total' }),
    stepS: stage('total'),
    attentionS: stage('attention'),
    ffnWaitS: stage('ffn_wait'),
    sampleS: stage('sample'),
    ffnComputeS: sumOfMetric(metrics, 'tandem_scheduler_ffn_compute_seconds'),
    numFfnBatches: sumOfMetric(metrics, 'tandem_scheduler_ffn_batches'),
    numFfnFrames: sumOfMetric(metrics, 'tandem_scheduler_ffn_frames')
  }
}

/** `sum + (after - before)`, for measurements in several rounds. */
export function addDifference (sum: StageTotals, after: StageTotals, before: StageTotals): StageTotals {
  const keys = Object.keys(sum) as (keyof StageTotals)[]
  return Object.fromEntries(keys.map(key => [key, sum[key] + after[key] - before[key]])) as unknown as StageTotals
}

/** `busyS` is the time the clients had requests open. Colocated clusters report no ffn worker: its shares are then meaningless zeros. */
export function stageTimesOf (totals: StageTotals, busyS: number): StageTimes {
  const perStepMs = (seconds: number) => totals.numSteps > 0 ? seconds / totals.numSteps * 1000 : 0
  const share = (seconds: number, of: number) => of > 0 ? seconds / of : 0
  return {
    numSteps: totals.numSteps,
    stepMs: perStepMs(totals.stepS),
    attentionMs: perStepMs(totals.attentionS),
    ffnWaitMs: perStepMs(totals.ffnWaitS),
    sampleMs: perStepMs(totals.sampleS),
    ffnComputeMs: perStepMs(totals.ffnComputeS),
    ffnMerge: share(totals.numFfnFrames, totals.numFfnBatches),
    attentionBubble: share(totals.ffnWaitS, totals.stepS),
    ffnBubble: totals.ffnComputeS > 0 ? 1 - share(totals.ffnComputeS, totals.stepS) : 0,
    betweenSteps: busyS > 0 ? Math.max(0, 1 - totals.stepS / busyS) : 0
  }
}
