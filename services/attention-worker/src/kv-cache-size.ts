// Owns how large the KV cache is made: arithmetic on the model, the options and the free memory. Allocates nothing.
import { makeError } from '@tandem/core'
import type { KvDtype } from '@tandem/engine'
import type { ModelConfig } from '@tandem/model'
import { attentionWorkerErrors } from './errors.js'

/** Share of the free memory taken when nothing is said: other workers may start on the same machine. */
const FREE_MEMORY_SHARE = 0.25
/** More than this many tokens are not kept unless asked for, except for two sequences of full length. */
const DEFAULT_MAX_TOKENS = 32_768
/** A model that could not hold even this is not worth starting. */
const SHORTEST_MODEL_LEN = 256

const bytesPerElement = { f32: 4, f16: 2, bf16: 2, fp8: 1, int8: 1 } as const satisfies Record<KvDtype, number>
/** Elements of an int8 key or value that share a scale, and its bytes. */
const INT8_GROUP = 32
const INT8_SCALE_BYTES = 2

export interface KvCacheRequest {
  readonly config: ModelConfig
  readonly kvDtype: KvDtype
  readonly blockSize: number
  /** 0: choose. */
  readonly kvCacheBytes: number
  /** 0: the model's, or what fits. */
  readonly maxModelLen: number
  /** Weights this process will hold. */
  readonly weightBytes: number
  /** Memory this process may still take, within its cgroup. */
  readonly availableBytes: number
}

export interface KvCacheSize {
  readonly numBlocks: number
  readonly maxModelLen: number
}

/** Bytes one token takes over all layers. */
export function kvBytesPerToken ({ attention, numLayers }: ModelConfig, kvDtype: KvDtype): number {
  const bytesPerLayer = attention.kind === 'mla'
    ? vectorBytes(attention.kvLoraRank + attention.qkRopeHeadDim, kvDtype)
    : 2 * attention.numKvHeads * vectorBytes(attention.headDim, kvDtype)
  return bytesPerLayer * numLayers
}

function vectorBytes (width: number, kvDtype: KvDtype): number {
  const scaleBytes = kvDtype === 'int8' ? Math.ceil(width / INT8_GROUP) * INT8_SCALE_BYTES : 0
  return width * bytesPerElement[kvDtype] + scaleBytes
}

/** Throws `kv_cache_too_large` and `kv_cache_too_small`, with the sizes. */
export function sizeKvCache (request: KvCacheRequest): KvCacheSize {
  const { config, kvDtype, blockSize, weightBytes, availableBytes } = request
  const blockBytes = kvBytesPerToken(config, kvDtype) * blockSize
  const longest = request.maxModelLen === 0 ? config.maxModelLen : Math.min(request.maxModelLen, config.maxModelLen)
  const kvCacheBytes = request.kvCacheBytes === 0 ? defaultBytes(request, longest, blockBytes) : request.kvCacheBytes
  if (kvCacheBytes + weightBytes > availableBytes) {
    throw makeError(attentionWorkerErrors, 'kv_cache_too_large', { kvCacheBytes, weightBytes, availableBytes })
  }
  const numBlocks = Math.floor(kvCacheBytes / blockBytes)
  const numTokens = numBlocks * blockSize
  const maxModelLen = request.maxModelLen === 0 ? Math.min(longest, numTokens) : longest
  if (numTokens < maxModelLen || maxModelLen < Math.min(longest, SHORTEST_MODEL_LEN)) {
    const neededBytes = Math.ceil(longest / blockSize) * blockBytes
    throw makeError(attentionWorkerErrors, 'kv_cache_too_small', { kvCacheBytes, numTokens, maxModelLen: longest, neededBytes })
  }
  return { numBlocks, maxModelLen }
}

function defaultBytes ({ weightBytes, availableBytes, blockSize }: KvCacheRequest, longest: number, blockBytes: number): number {
  const wantedTokens = Math.max(DEFAULT_MAX_TOKENS, 2 * longest)
  const wantedBytes = Math.ceil(wantedTokens / blockSize) * blockBytes
  const share = Math.floor(Math.max(availableBytes - weightBytes, 0) * FREE_MEMORY_SHARE)
  return Math.min(wantedBytes, share)
}
