// Owns the FFN side of a model in TypeScript: the virtual shards held, and their partial sums. It reads none of the attention
// side's tensors and knows nothing of other workers.
import { assert, subtreeRoots, type FfnSplit, type ShardRange } from '@tandem/core'
import type { Model } from '@tandem/model'
import type { FfnBackend, FfnLeaves } from '../backend.js'
import { sumSubtree } from './combine-partials.js'
import { loadLeaves } from './ffn-leaf-loader.js'
import { leafPartial, type FfnLeaf } from './ffn-leaf.js'

/** Holds nothing until `load`. */
export function createReferenceFfnBackend (model: Model): FfnBackend {
  return new ReferenceFfnBackend(model)
}

class ReferenceFfnBackend implements FfnBackend {
  readonly #leaves = new Map<string, FfnLeaf>()

  constructor (private readonly model: Model) {}

  get weightBytes (): number {
    let bytes = 0
    for (const leaf of this.#leaves.values()) bytes += leaf.byteLength
    return bytes
  }

  async load (shards: ShardRange, split: FfnSplit, onProgress?: (doneBytes: number, totalBytes: number) => void): Promise<void> {
    const missing = shardsOf(shards).filter(shard => !this.#leaves.has(keyOf(shard, split)))
    const leaves = await loadLeaves(this.model, missing, split, onProgress)
    leaves.forEach((leaf, i) => this.#leaves.set(keyOf(missing[i]!, split), leaf))
  }

  keepOnly (kept: readonly FfnLeaves[]): void {
    const keys = new Set(kept.flatMap(({ shards, split }) => shardsOf(shards).map(shard => keyOf(shard, split))))
    for (const key of this.#leaves.keys()) if (!keys.has(key)) this.#leaves.delete(key)
  }

  run (
    layerIdx: number, shards: ShardRange, split: FfnSplit, hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array
  ): Float32Array[] {
    const input = { hidden, hiddenSize: this.model.config.hiddenSize, topkIds, topkWeights }
    return subtreeRoots(shards).map(root => sumSubtree(root, shard => {
      const layer = this.#leaves.get(keyOf(shard, split))?.layers[layerIdx]
      assert(layer, `layer ${layerIdx} of shard ${shard} is not loaded under split ${split}`)
      return leafPartial(layer, input)
    }))
  }

  dispose (): void {
    this.#leaves.clear()
  }
}

function shardsOf ({ start, end }: ShardRange): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i)
}

function keyOf (shard: number, split: FfnSplit): string {
  return `${split}/${shard}`
}
