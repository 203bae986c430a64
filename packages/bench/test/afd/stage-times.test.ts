import { expect, test } from 'vitest'
import { addDifference, noStageTotals, readStageTotals, stageTimesOf } from '../../src/afd/stage-times.js'
import type { StageTotals } from '../../src/afd/stage-times.js'

const totals: StageTotals = {
  numSteps: 100, stepS: 2, attentionS: 0.8, ffnWaitS: 1, sampleS: 0.2, ffnComputeS: 1.5, numFfnBatches: 50, numFfnFrames: 75
}

test('totals come from the scheduler\'s metrics', () => {
  const stage = (name: string, sum: number) => `tandem_scheduler_step_seconds_sum{worker_id="a",stage="${name}"} ${sum}\n`
  const text = stage('total', 2) + stage('attention', 0.8) + stage('ffn_wait', 1) + stage('sample', 0.2) +
    'tandem_scheduler_step_seconds_count{worker_id="a",stage="total"} 100\n' +
    'tandem_scheduler_ffn_compute_seconds{worker_id="f"} 1.5\ntandem_scheduler_ffn_batches{worker_id="f"} 50\n' +
    'tandem_scheduler_ffn_frames{worker_id="f"} 75\n'
  expect(readStageTotals(text)).toEqual(totals)
  expect(readStageTotals('')).toEqual(noStageTotals)
})

test('rounds add up to what happened in them alone', () => {
  const after: StageTotals = { ...totals, numSteps: 130, stepS: 5 }
  expect(addDifference(noStageTotals, after, totals)).toEqual({ ...noStageTotals, numSteps: 30, stepS: 3 })
  expect(addDifference({ ...noStageTotals, numSteps: 1 }, after, totals).numSteps).toBe(31)
})

test('times are per step, bubbles are shares of step time', () => {
  const times = stageTimesOf(totals, 2.5)
  expect(times).toMatchObject({ numSteps: 100, stepMs: 20, attentionMs: 8, ffnWaitMs: 10, sampleMs: 2, ffnComputeMs: 15, ffnMerge: 1.5 })
  expect(times.attentionBubble).toBeCloseTo(0.5)
  expect(times.ffnBubble).toBeCloseTo(0.25)
  expect(times.betweenSteps).toBeCloseTo(0.2)
})

test('a cluster without steps or without ffn workers has no shares', () => {
  expect(stageTimesOf(noStageTotals, 0)).toMatchObject({ stepMs: 0, attentionBubble: 0, ffnBubble: 0, betweenSteps: 0, ffnMerge: 0 })
  expect(stageTimesOf({ ...totals, ffnComputeS: 0 }, 2).ffnBubble).toBe(0)
})
