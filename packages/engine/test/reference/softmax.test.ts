import { expect, it } from 'vitest'
import { softmax } from '../../src/reference/softmax.js'

it('is invariant to a shift, even beyond the range of exp', () => {
  const scores = Float64Array.of(1000, 1000 + Math.log(3))
  softmax(scores)
  expect(Array.from(scores)).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)])
})
