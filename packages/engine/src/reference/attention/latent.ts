// Owns multi-head latent attention (DeepSeek-V2/V3; facts/models.md, B.3), in the absorbed form: the cache holds one latent c and one
// rotated key part r per token, and the up-projections of keys and values are applied to queries and outputs instead of
// to every cached token. The sums are the same, in another order.
import type { AttentionConfig, MlaConfig, MlaWeights, RopeConfig, TensorRef } from '@tandem/model'
import { assert } from '@tandem/core'
import type { Ubatch } from '../../backend.js'
import { linear } from '../linear.js'
import { rmsNorm } from '../rms-norm.js'
import type { WeightMatrix } from '../weight-matrix.js'
import type { Attention, KvPoolSize, WeightSource } from './attention.js'
import { PagedRows } from './kv-cache.js'
import { loadUpProjections, type UpProjections } from './latent-up-projections.js'
import { pagedAttention } from './paged-attention.js'
import { applyRope, type RopeAngles } from './rope.js'

export async function loadMla (
  config: MlaConfig & AttentionConfig, weights: MlaWeights, rope: RopeConfig, pool: KvPoolSize, source: WeightSource<TensorRef>
): Promise<Attention> {
  return new LatentAttention(config, rope, {
    queries: await loadQueries(config, weights, source),
    kvA: await source.matrix(weights.kvA),
    kvANorm: await source.vector(weights.kvANorm),
    up: await loadUpProjections(config, weights, source),
    o: await source.matrix(weights.o)
  }, pool)
}

type Projection = (x: Float32Array, numTokens: number) => Float32Array

/** q = W_qB RMSNorm(W_qA x), or W_q x when the model has no query rank: per head [nope | rope]. */
async function loadQueries (config: MlaConfig, { q, qA, qANorm, qB }: MlaWeights, source: WeightSource<TensorRef>): Promise<Projection> {
  if (config.qLoraRank === null) {
    assert(q, 'a model without query rank has a direct query projection')
    const matrix = await source.matrix(q)
    return (x, numTokens) => linear(x, numTokens, matrix)
  }
  assert(qA && qANorm && qB, 'a model with query rank has both query projections')
  const down = await source.matrix(qA)
  const norm = await source.vector(qANorm)
  const up = await source.matrix(qB)
  return (x, numTokens) => linear(rmsNorm(linear(x, numTokens, down), norm, config.loraNormEps), numTokens, up)
}

interface LatentWeights {
  readonly queries: Projection
  readonly kvA: WeightMatrix
  readonly kvANorm: Float32Array
  readonly up: UpProjections
  readonly o: WeightMatrix
}

class LatentAttention implements Attention {
  /** Rows [c (kvLoraRank) | r (qkRopeHeadDim)]. */
  readonly #latents: PagedRows

  constructor (
    private readonly config: MlaConfig & AttentionConfig, private readonly rope: RopeConfig, private readonly weights: LatentWeights, pool: KvPoolSize
  ) {
    this.#latents = new PagedRows(pool.numBlocks, pool.blockSize, config.kvLoraRank + config.qkRopeHeadDim)
  }

  get kvCacheBytes (): number { return this.#latents.data.byteLength }

  /**
   * [c | r] = W_kvA x; c = RMSNorm(c); r = RoPE(r); both cached. Per head with q = [qn | RoPE(qr)]:
   * s_j = scale * ((W_k^T qn) . c_j + qr . r_j); out = W_v sum_j softmax(s)_j c_j; y = W_o [out of all heads].
   * So after absorbing W_k into the query this is multi-query attention with keys [c | r] and values c.
   */
  attend (x: Float32Array, ubatch: Ubatch, angles: readonly RopeAngles[]): Float32Array {
    const { config, weights } = this
    const numTokens = angles.length
    this.#latents.write(ubatch, this.#latentRows(x, angles))
    const queries = weights.up.absorbQueries(this.#rotatedQueries(x, angles), numTokens)
    const { kvLoraRank } = config
    const latentOut = pagedAttention(queries, this.#latents, this.#latents, ubatch, {
      numHeads: config.numHeads, numKvHeads: 1, keyDim: kvLoraRank + config.qkRopeHeadDim, valueDim: kvLoraRank, scale: config.scale
    })
    return linear(weights.up.expandValues(latentOut, numTokens), numTokens, weights.o)
  }

  #latentRows (x: Float32Array, angles: readonly RopeAngles[]): Float32Array {
    const { config: { kvLoraRank, loraNormEps }, weights } = this
    const rows = linear(x, angles.length, weights.kvA)
    const { width } = this.#latents
    angles.forEach((angle, row) => {
      const latent = rows.subarray(row * width, row * width + kvLoraRank)
      rmsNorm(latent, weights.kvANorm, loraNormEps, latent)
      applyRope(rows, row * width + kvLoraRank, this.rope, angle)
    })
    return rows
  }

  #rotatedQueries (x: Float32Array, angles: readonly RopeAngles[]): Float32Array {
    const { numHeads, qkNopeHeadDim, qkRopeHeadDim } = this.config
    const queries = this.weights.queries(x, angles.length)
    const headDim = qkNopeHeadDim + qkRopeHeadDim
    angles.forEach((angle, row) => {
      for (let head = 0; head < numHeads; head++) applyRope(queries, (row * numHeads + head) * headDim + qkNopeHeadDim, this.rope, angle)
    })
    return queries
  }
}
