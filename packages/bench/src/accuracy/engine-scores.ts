// Owns teacher forcing on an engine: the text goes in as a prompt, in chunks as a scheduler would send it, and every token is scored.
import { greedySampling } from '@tandem/core'
import type { AttentionEngine, PromptLogprobs, StepPlan } from '@tandem/engine'
import type { Score } from './agreement.js'

/** KV blocks `scoreText` needs. */
export function blocksFor (numTokens: number, blockSize: number): number { return Math.ceil((numTokens + 1) / blockSize) }

/** `onProgress` is told how many tokens are done. */
export async function scoreText (
  engine: AttentionEngine, tokenIds: readonly number[], chunkTokens: number, onProgress: (numDone: number) => void, signal: AbortSignal
): Promise<Score[]> {
  const scores: Score[] = []
  for (let start = 0, stepId = 1; start < tokenIds.length; start += chunkTokens, stepId++) {
    signal.throwIfAborted()
    onProgress(start)
    const numScheduledTokens = Math.min(chunkTokens, tokenIds.length - start)
    const { promptLogprobs } = await engine.step(planOf(tokenIds, start, numScheduledTokens, stepId, engine.kvCache.blockSize))
    scores.push(...promptLogprobs.map(scoreOf))
  }
  return scores
}

function planOf (tokenIds: readonly number[], start: number, numScheduledTokens: number, stepId: number, blockSize: number): StepPlan {
  const isFirst = start === 0
  const numBlocks = blocksFor(tokenIds.length, blockSize)
  return {
    stepId,
    removedSeqIds: [],
    newSequences: isFirst
      ? [{ seqId: 1, tokenIds, numPromptTokens: tokenIds.length, maxTokens: 1, sampling: { ...greedySampling, promptLogprobs: 1 } }]
      : [],
    scheduled: [{
      seqId: 1,
      numComputedTokens: start,
      numScheduledTokens,
      ubatchIdx: 0,
      newBlockIds: isFirst ? Array.from({ length: numBlocks }, (_, idx) => idx) : []
    }],
    ffnInstanceOfUbatch: []
  }
}

function scoreOf ({ position, logprobs }: PromptLogprobs): Score {
  const best = logprobs.top.reduce((left, right) => right.logprob > left.logprob ? right : left, logprobs)
  return { position, top1: logprobs.rank === 1 ? logprobs.tokenId : best.tokenId, logprob: logprobs.logprob }
}
