import { expect, test } from 'vitest'
import { sumOfMetric } from '../../src/afd/metrics-text.js'

const text = `# HELP step_seconds Time
step_seconds_sum{worker_id="a",stage="total"} 1.5
step_seconds_sum{worker_id="b",stage="total"} 2
step_seconds_sum{worker_id="a",stage="attention"} 1
step_seconds_sum_other{stage="total"} 99
ready 1
big 1.5e+3
`

test('samples with the labels are added up, in any order of labels', () => {
  expect(sumOfMetric(text, 'step_seconds_sum', { stage: 'total' })).toBe(3.5)
  expect(sumOfMetric(text, 'step_seconds_sum', { stage: 'attention', worker_id: 'a' })).toBe(1)
  expect(sumOfMetric(text, 'step_seconds_sum')).toBe(4.5)
  expect(sumOfMetric(text, 'ready')).toBe(1)
  expect(sumOfMetric(text, 'big')).toBe(1500)
  expect(sumOfMetric(text, 'missing')).toBe(0)
})
