// Owns the choice of experts (facts/models.md, A.3, B.2, B.4). It runs on the attention side; ids and weights travel in the frame.
import type { RouterConfig } from '@tandem/model'
import { softmax } from './softmax.js'

export interface RoutedTokens {
  /** [numTokens, topK], best weight first, lower id first among equals. */
  readonly topkIds: Uint16Array
  readonly topkWeights: Float32Array
}

/**
 * Per token over logits z ([numTokens, numExperts]):
 *  p = softmax(z) or sigmoid(z); selection score s = p + bias (bias only where the model has one);
 *  with groups: score every group (largest s: V2; sum of the two largest s: V3), keep the best `topKGroups`;
 *  ids = the topK largest s among what is left (lower id first among equals);
 *  weights = p[ids], divided by their sum when `normTopk`, times `scalingFactor`.
 */
export function route (logits: Float32Array, numTokens: number, config: RouterConfig, bias?: Float32Array): RoutedTokens {
  const numExperts = logits.length / numTokens
  const { topK } = config
  const topkIds = new Uint16Array(numTokens * topK)
  const topkWeights = new Float32Array(numTokens * topK)
  for (let token = 0; token < numTokens; token++) {
    const probabilities = logits.slice(token * numExperts, (token + 1) * numExperts)
    if (config.scoring === 'softmax') softmax(probabilities)
    else for (let e = 0; e < numExperts; e++) probabilities[e] = 1 / (1 + Math.exp(-probabilities[e]!))
    const scores = bias === undefined ? probabilities : probabilities.map((p, e) => p + bias[e]!)

    const chosen = bestIndices(scores, allowedExperts(scores, config), topK)
      .sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
    const sum = chosen.reduce((total, expert) => total + probabilities[expert]!, 0)
    const factor = config.scalingFactor / (config.normTopk ? sum + 1e-20 : 1)
    chosen.forEach((expert, k) => {
      topkIds[token * topK + k] = expert
      topkWeights[token * topK + k] = probabilities[expert]! * factor
    })
  }
  return { topkIds, topkWeights }
}

/** Experts of the best groups, ascending. */
function allowedExperts (scores: Float32Array, { numGroups, topKGroups, groupScore }: RouterConfig): number[] {
  const experts = Array.from(scores.keys())
  if (numGroups <= 1) return experts
  const groupSize = scores.length / numGroups
  const numScored = groupScore === 'max' ? 1 : 2
  const groupScores = Float32Array.from({ length: numGroups }, (_, group) => {
    const members = experts.slice(group * groupSize, (group + 1) * groupSize)
    return bestIndices(scores, members, numScored).reduce((sum, expert) => sum + scores[expert]!, 0)
  })
  const kept = new Set(bestIndices(groupScores, Array.from(groupScores.keys()), topKGroups))
  return experts.filter(expert => kept.has(Math.floor(expert / groupSize)))
}

/** The `count` candidates with the largest scores, lower index first among equals. */
function bestIndices (scores: Float32Array, candidates: readonly number[], count: number): number[] {
  return candidates.toSorted((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count)
}
