// Owns what an attention engine knows of one sequence: its tokens, its KV blocks, how far it is computed.
import type { SamplingParams } from '@tandem/core'
import { SamplerState } from '../sampler/sampler-state.js'
import type { NewSequence } from '../types.js'

export class Sequence {
  readonly seqId: number
  readonly numPromptTokens: number
  readonly maxTokens: number
  readonly sampling: SamplingParams
  readonly samplerState: SamplerState
  /** Positions below it are in the KV cache; null until first scheduled (cached prefixes start beyond 0). */
  numComputedTokens: number | null = null
  isFinished = false
  readonly #tokenIds: IntegerList
  readonly #blockTable = new IntegerList([])

  constructor (created: NewSequence) {
    this.seqId = created.seqId
    this.numPromptTokens = created.numPromptTokens
    this.maxTokens = created.maxTokens
    this.sampling = created.sampling
    this.samplerState = new SamplerState(created.tokenIds, created.numPromptTokens)
    this.#tokenIds = new IntegerList(created.tokenIds)
  }

  get numTokens (): number { return this.#tokenIds.length }
  get numBlocks (): number { return this.#blockTable.length }
  /** Valid until the next append. */
  get tokenIds (): Int32Array { return this.#tokenIds.view() }
  get blockTable (): Int32Array { return this.#blockTable.view() }

  appendBlocks (blockIds: readonly number[]): void { this.#blockTable.append(blockIds) }

  truncateBlocks (numBlocks: number): void { this.#blockTable.truncate(numBlocks) }

  appendSampled (tokenId: number): void {
    this.#tokenIds.append([tokenId])
    this.samplerState.append(tokenId)
  }
}

/** A growing Int32Array. */
class IntegerList {
  #values: Int32Array
  #length: number

  constructor (initial: readonly number[]) {
    this.#values = new Int32Array(Math.max(16, initial.length + 16))
    this.#values.set(initial)
    this.#length = initial.length
  }

  get length (): number { return this.#length }

  view (): Int32Array { return this.#values.subarray(0, this.#length) }

  append (added: readonly number[]): void {
    const length = this.#length + added.length
    if (length > this.#values.length) {
      const grown = new Int32Array(Math.max(length, 2 * this.#values.length))
      grown.set(this.view())
      this.#values = grown
    }
    this.#values.set(added, this.#length)
    this.#length = length
  }

  truncate (length: number): void { this.#length = length }
}
