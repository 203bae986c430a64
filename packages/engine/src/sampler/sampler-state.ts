// Owns what penalties need to know about a sequence: which tokens it has seen and how often it wrote each.

export class SamplerState {
  /** Occurrences in the output by token id; 0 for a token that only the prompt has. */
  readonly outputCounts = new Map<number, number>()

  /** `tokenIds` is prompt then output, as far as known (a resumed sequence brings both). */
  constructor (tokenIds: readonly number[], numPromptTokens: number) {
    tokenIds.forEach((tokenId, index) => {
      if (index >= numPromptTokens) this.append(tokenId)
      else if (!this.outputCounts.has(tokenId)) this.outputCounts.set(tokenId, 0)
    })
  }

  /** Records a token that was sampled. */
  append (tokenId: number): void {
    this.outputCounts.set(tokenId, (this.outputCounts.get(tokenId) ?? 0) + 1)
  }
}
