import type { RouterConfig } from '@tandem/model'
import { describe, expect, it } from 'vitest'
import { route } from '../../src/reference/router.js'

const plain: RouterConfig = {
  scoring: 'softmax', topK: 2, numGroups: 1, topKGroups: 1, groupScore: 'max', hasBias: false, normTopk: false, scalingFactor: 1
}
const logOf = (probabilities: number[]): Float32Array => Float32Array.from(probabilities, p => Math.log(p))
const logitOf = (scores: number[]): Float32Array => Float32Array.from(scores, s => Math.log(s / (1 - s)))
const close = (values: number[]): unknown[] => values.map(value => expect.closeTo(value, 5))

describe('route', () => {
  it('takes the best of a softmax, best first, per token', () => {
    const { topkIds, topkWeights } = route(logOf([0.1, 0.5, 0.15, 0.25, 0.4, 0.1, 0.3, 0.2]), 2, plain)
    expect(Array.from(topkIds)).toEqual([1, 3, 0, 2])
    expect(Array.from(topkWeights)).toEqual(close([0.5, 0.25, 0.4, 0.3]))
  })

  it('takes the lower expert at a tie', () => {
    expect(Array.from(route(new Float32Array(5), 1, plain).topkIds)).toEqual([0, 1])
  })

  it('renormalises, then scales', () => {
    const { topkWeights } = route(logOf([0.1, 0.5, 0.15, 0.25]), 1, { ...plain, normTopk: true, scalingFactor: 2.5 })
    expect(Array.from(topkWeights)).toEqual(close([2.5 * 0.5 / 0.75, 2.5 * 0.25 / 0.75]))
  })

  it('limits the choice to the groups with the best single expert (V2)', () => {
    // Groups {0.05, 0.3}, {0.2, 0.21}, {0.24, 0}: 0.3 and 0.24 win, so 0.2 and 0.21 are out.
    const { topkIds } = route(logOf([0.05, 0.3, 0.2, 0.21, 0.24, 1e-9]), 1, { ...plain, topK: 3, numGroups: 3, topKGroups: 2 })
    expect(Array.from(topkIds)).toEqual([1, 4, 0])
  })

  it('selects by sigmoid plus bias and weighs without the bias; groups count their two best (V3)', () => {
    const config: RouterConfig = { ...plain, scoring: 'sigmoid', numGroups: 2, topKGroups: 1, groupScore: 'top2_sum', hasBias: true, normTopk: true }
    // Biased: {0.9, 0.1, 0.1}, {0.6, 0.65, 0.7}: the second group's two best sum to 1.35 against 1.0.
    const logits = logitOf([0.9, 0.1, 0.1, 0.6, 0.65, 0.2])
    const { topkIds, topkWeights } = route(logits, 1, config, Float32Array.of(0, 0, 0, 0, 0, 0.5))
    expect(Array.from(topkIds)).toEqual([4, 5])
    expect(Array.from(topkWeights)).toEqual(close([0.65 / 0.85, 0.2 / 0.85]))
  })
})
