// A deterministic model: the next token is a function of all tokens before it and of the seed, nothing else.
export const VOCAB_SIZE = 50

export function nextToken (tokenIds: Iterable<number>, seed: number): number {
  let hash = (seed * 2_654_435_761) >>> 0
  let position = 0
  for (const tokenId of tokenIds) hash = (Math.imul(hash ^ (tokenId + 31 * position++), 16_777_619) + 12_345) >>> 0
  return (hash >>> 8) % VOCAB_SIZE
}

export interface Expected {
  readonly tokenIds: number[]
  readonly finishReason: 'FINISH_REASON_STOP' | 'FINISH_REASON_LENGTH'
}

/** What a request must yield, however it is scheduled. */
export function expectedOutput (promptTokenIds: readonly number[], maxTokens: number, seed: number, stopTokenIds: readonly number[]): Expected {
  const all = [...promptTokenIds]
  for (;;) {
    const tokenId = nextToken(all, seed)
    all.push(tokenId)
    const tokenIds = all.slice(promptTokenIds.length)
    if (stopTokenIds.includes(tokenId)) return { tokenIds, finishReason: 'FINISH_REASON_STOP' }
    if (tokenIds.length === maxTokens) return { tokenIds, finishReason: 'FINISH_REASON_LENGTH' }
  }
}
