import { expect, test } from 'vitest'
import { agreementOf } from '../../src/accuracy/agreement.js'

const golden = { oracle: 'x', tokenIds: [1, 2, 3, 4], top1: [2, 9, 4], logprobs: [-1, -2, -3] }

test('agreement is over the positions that were scored', () => {
  const agreement = agreementOf(golden, [
    { position: 1, top1: 2, logprob: -1.1 }, { position: 2, top1: 8, logprob: -1.5 }, { position: 3, top1: 4, logprob: -3 }
  ])
  expect(agreement.numPositions).toBe(3)
  expect(agreement.top1Share).toBeCloseTo(2 / 3)
  expect(agreement.meanAbsDelta).toBeCloseTo(0.2)
  expect(agreement.maxAbsDelta).toBeCloseTo(0.5)
})

test('nothing scored agrees with nothing', () => {
  expect(agreementOf(golden, [])).toEqual({ numPositions: 0, top1Share: 0, meanAbsDelta: 0, maxAbsDelta: 0 })
})
