// Owns what routers of both config formats have in common: the plain form and the checks on group sizes.
import type { RouterConfig } from '../model-config.js'
import type { KeyReader } from './key-reader.js'

/** Softmax over all experts, best topK (Qwen3-MoE, Step-3, DeepSeek-V2-Lite). */
export function plainSoftmaxRouter (topK: number, normTopk: boolean): RouterConfig {
  return { scoring: 'softmax', topK, numGroups: 1, topKGroups: 1, groupScore: 'max', hasBias: false, normTopk, scalingFactor: 1 }
}

/** `topKKey` names the key that is refused. Throws `config_key_invalid`. */
export function checkRouter (config: KeyReader, router: RouterConfig, numExperts: number, topKKey: string): RouterConfig {
  const { topK, numGroups, topKGroups, groupScore } = router
  if (numExperts > 65_536) throw config.invalid(topKKey, 'routed over at most 65536 experts (ids are 16 bits)')
  if (numExperts % numGroups !== 0 || topKGroups > numGroups) {
    throw config.invalid(topKKey, `routed over groups that divide ${numExperts} experts (got ${numGroups} groups, best ${topKGroups})`)
  }
  const groupSize = numExperts / numGroups
  if (groupScore === 'top2_sum' && groupSize < 2) throw config.invalid(topKKey, 'routed over groups of at least 2 experts')
  if (topK > groupSize * topKGroups) throw config.invalid(topKKey, `at most the ${groupSize * topKGroups} experts that are selectable`)
  return router
}
