// Owns attention over cached keys and values: Llama and Qwen3 (GQA), and Step-3 (MFA), which is multi-query attention behind a
// low-rank query projection.
import type { AttentionConfig, GqaConfig, GqaWeights, MfaConfig, MfaWeights, RopeConfig, TensorRef } from '@tandem/model'
import type { Ubatch } from '../../backend.js'
import { linear } from '../linear.js'
import { rmsNorm } from '../rms-norm.js'
import type { WeightMatrix } from '../weight-matrix.js'
import type { Attention, KvPoolSize, WeightSource } from './attention.js'
import { PagedRows } from './kv-cache.js'
import { pagedAttention, type AttentionShape } from './paged-attention.js'
import { applyRope, type RopeAngles } from './rope.js'

/** x [numTokens, hiddenSize] to [numTokens, heads * headDim], before RoPE. */
type Projection = (x: Float32Array, numTokens: number) => Float32Array

interface Projections {
  readonly q: Projection
  readonly k: Projection
  readonly v: Projection
  readonly o: WeightMatrix
}

/**
 * q = W_q x + b_q, k = W_k x + b_k, v = W_v x + b_v (biases where the model has them); with q/k norms (Qwen3) RMSNorm over each head of
 * q and k (facts/models.md, B.1 and B.2).
 */
export async function loadGqa (
  config: GqaConfig & AttentionConfig, weights: GqaWeights, rope: RopeConfig, normEps: number, pool: KvPoolSize, source: WeightSource<TensorRef>
): Promise<Attention> {
  const projection = async (ref: TensorRef, biasRef?: TensorRef, normRef?: TensorRef): Promise<Projection> => {
    const matrix = await source.matrix(ref)
    const bias = biasRef && await source.vector(biasRef)
    const norm = normRef && await source.vector(normRef)
    return (x, numTokens) => {
      const y = linear(x, numTokens, matrix, bias)
      return norm === undefined ? y : rmsNorm(y, norm, normEps, y)
    }
  }
  return new GroupedQueryAttention({
    q: await projection(weights.q, weights.qBias, weights.qNorm),
    k: await projection(weights.k, weights.kBias, weights.kNorm),
    v: await projection(weights.v, weights.vBias),
    o: await source.matrix(weights.o)
  }, config, rope, pool)
}

/** q = W_qB RMSNorm(W_qA x); k = W_k x and v = W_v x, one head each (facts/models.md, A.3). */
export async function loadMfa (
  config: MfaConfig & AttentionConfig, weights: MfaWeights, rope: RopeConfig, normEps: number, pool: KvPoolSize, source: WeightSource<TensorRef>
): Promise<Attention> {
  const qA = await source.matrix(weights.qA)
  const qANorm = await source.vector(weights.qANorm)
  const qB = await source.matrix(weights.qB)
  const k = await source.matrix(weights.k)
  const v = await source.matrix(weights.v)
  return new GroupedQueryAttention({
    q: (x, numTokens) => linear(rmsNorm(linear(x, numTokens, qA), qANorm, normEps), numTokens, qB),
    k: (x, numTokens) => linear(x, numTokens, k),
    v: (x, numTokens) => linear(x, numTokens, v),
    o: await source.matrix(weights.o)
  }, config, rope, pool)
}

class GroupedQueryAttention implements Attention {
  readonly #keys: PagedRows
  readonly #values: PagedRows
  readonly #shape: AttentionShape

  constructor (
    private readonly project: Projections, config: (GqaConfig | MfaConfig) & AttentionConfig, private readonly rope: RopeConfig, pool: KvPoolSize
  ) {
    const { numHeads, numKvHeads, headDim, scale } = config
    this.#shape = { numHeads, numKvHeads, keyDim: headDim, valueDim: headDim, scale }
    this.#keys = new PagedRows(pool.numBlocks, pool.blockSize, numKvHeads * headDim)
    this.#values = new PagedRows(pool.numBlocks, pool.blockSize, numKvHeads * headDim)
  }

  get kvCacheBytes (): number { return this.#keys.data.byteLength + this.#values.data.byteLength }

  attend (x: Float32Array, ubatch: Ubatch, angles: readonly RopeAngles[]): Float32Array {
    const numTokens = angles.length
    const queries = this.#rotate(this.project.q(x, numTokens), angles)
    this.#keys.write(ubatch, this.#rotate(this.project.k(x, numTokens), angles))
    this.#values.write(ubatch, this.project.v(x, numTokens))
    return linear(pagedAttention(queries, this.#keys, this.#values, ubatch, this.#shape), numTokens, this.project.o)
  }

  /** RoPE on the first `rope.dim` elements of every head, in place. */
  #rotate (rows: Float32Array, angles: readonly RopeAngles[]): Float32Array {
    const width = rows.length / angles.length
    angles.forEach((angle, row) => {
      for (let head = row * width; head < (row + 1) * width; head += this.#shape.keyDim) applyRope(rows, head, this.rope, angle)
    })
    return rows
  }
}
