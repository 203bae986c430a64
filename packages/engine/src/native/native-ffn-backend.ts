// Owns the FFN side's native arithmetic behind the layer-level contract (backend.ts), for the pipelined engine. A call computes at once,
// on the calling thread and the native compute threads. Same bits as the native engine: the same code runs.
import { assert, NUM_VIRTUAL_SHARDS, subtreeRoots } from '@tandem/core'
import type { FfnSplit, ShardRange } from '@tandem/core'
import { ffnTensorRefs } from '@tandem/model'
import type { Model } from '@tandem/model'
import type { FfnBackend, FfnLeaves } from '../backend.js'
import type { NativeAddon, NativeFfnEngine, NativeFfnLayers } from './addon-boundary.js'
import { translated, translatedCall } from './errors.js'
import { progressOf } from './load-progress.js'

export interface NativeFfnBackendOptions {
  /** Compute threads, the calling one included; 0 is one per available core. */
  readonly numThreads: number
}

/** Holds nothing until `load`, which throws `tensor_unsupported` and `weights_unreadable`. */
export function createNativeFfnBackend (addon: NativeAddon, model: Model, { numThreads }: NativeFfnBackendOptions): FfnBackend {
  return new NativeFfnBackend(model, translatedCall(() => addon.createFfnLayers({ config: model.config, weights: model.ffn, numThreads })))
}

/** Computes over the leaves `engine` holds: `load` reads nothing that it has been assigned. */
export function ffnBackendBeside (engine: NativeFfnEngine, model: Model): FfnBackend {
  return new NativeFfnBackend(model, engine.layers())
}

class NativeFfnBackend implements FfnBackend {
  #isDisposed = false

  constructor (private readonly model: Model, private readonly layers: NativeFfnLayers) {}

  get weightBytes (): number { return this.#isDisposed ? 0 : this.layers.weightBytes() }

  async load ({ start, end }: ShardRange, split: FfnSplit, onProgress?: (doneBytes: number, totalBytes: number) => void): Promise<void> {
    this.#checkUsable()
    const allBytes = ffnTensorRefs(this.model).reduce((sum, ref) => sum + ref.byteLength, 0)
    await translated(this.layers.load(split, start, end, progressOf(allBytes * (end - start) / NUM_VIRTUAL_SHARDS, onProgress)))
  }

  keepOnly (kept: readonly FfnLeaves[]): void {
    this.#checkUsable()
    this.layers.keepOnly(kept)
  }

  run (
    layerIdx: number, shards: ShardRange, split: FfnSplit, hidden: Float32Array, topkIds: Uint16Array, topkWeights: Float32Array
  ): Float32Array[] {
    this.#checkUsable()
    const { start, end } = shards
    const { ffn: ffnOfLayers, hiddenSize } = this.model.config
    const ffn = ffnOfLayers[layerIdx]
    assert(ffn && this.layers.holds(split, start, end), `layer ${layerIdx} of shards ${start} to ${end} is not loaded under split ${split}`)
    const numChoices = ffn.kind === 'moe' ? hidden.length / hiddenSize * ffn.router.topK : 0
    assert(topkIds.length === numChoices && topkWeights.length === numChoices, `${numChoices} choices of an expert`)
    const partials = subtreeRoots(shards).map(() => new Float32Array(hidden.length))
    translatedCall(() => { this.layers.run(split, start, end, layerIdx, hidden, topkIds, topkWeights, partials) })
    return partials
  }

  dispose (): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.layers.dispose()
  }

  #checkUsable (): void {
    assert(!this.#isDisposed, 'the FFN backend was disposed')
  }
}
