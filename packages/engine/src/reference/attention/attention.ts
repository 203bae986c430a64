// Owns the seam between a layer and its kind of attention. Norms in front, residual behind and the router are not its business.
import type { Ubatch } from '../../backend.js'
import type { WeightMatrix } from '../weight-matrix.js'
import type { RopeAngles } from './rope.js'

/** One layer's attention with its weights and its KV pool. */
export interface Attention {
  readonly kvCacheBytes: number
  /**
   * Stores the rows' keys and values in the pool, then attends. `x` is [numTokens, hiddenSize] after the norm, so is the result;
   * `angles` has one entry per row.
   */
  attend (x: Float32Array, ubatch: Ubatch, angles: readonly RopeAngles[]): Float32Array
}

/** Where a layer's weights come from. */
export interface WeightSource<Ref> {
  matrix (ref: Ref): Promise<WeightMatrix>
  /** Dequantised to float32. */
  vector (ref: Ref): Promise<Float32Array>
}

/** Size of the KV pool. */
export interface KvPoolSize {
  readonly numBlocks: number
  /** Tokens per block. */
  readonly blockSize: number
}
