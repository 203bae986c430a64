import { describe, expect, it } from 'vitest'
import type { ModelConfig } from '@tandem/model'
import { kvBytesPerToken, sizeKvCache } from '../src/kv-cache-size.js'

const gqa = { kind: 'gqa', numHeads: 9, numKvHeads: 3, headDim: 64, qkNorm: false, qkvBias: false, scale: 1 } as const
const config = { numLayers: 30, maxModelLen: 8192, attention: gqa } as unknown as ModelConfig
const tokenBytes = 2 * 3 * 64 * 30 * 4
const GiB = 2 ** 30

const request = { config, kvDtype: 'f32', blockSize: 16, kvCacheBytes: 0, maxModelLen: 0, weightBytes: 0, availableBytes: 64 * GiB } as const

describe('bytes per token', () => {
  it('counts keys and values of every layer', () => {
    expect(kvBytesPerToken(config, 'f32')).toBe(tokenBytes)
    expect(kvBytesPerToken(config, 'bf16')).toBe(tokenBytes / 2)
    expect(kvBytesPerToken(config, 'fp8')).toBe(tokenBytes / 4)
    // A scale of two bytes for every 32 elements.
    expect(kvBytesPerToken(config, 'int8')).toBe(tokenBytes / 4 * 34 / 32)
  })

  it('counts the latent of MLA and the one head of MFA', () => {
    const mla = { ...config, attention: { kind: 'mla', kvLoraRank: 512, qkRopeHeadDim: 64 } } as unknown as ModelConfig
    expect(kvBytesPerToken(mla, 'bf16')).toBe(576 * 30 * 2)
    expect(kvBytesPerToken(mla, 'int8')).toBe((576 + 36) * 30)
    const mfa = { ...config, attention: { kind: 'mfa', numKvHeads: 1, headDim: 256 } } as unknown as ModelConfig
    expect(kvBytesPerToken(mfa, 'bf16')).toBe(512 * 30 * 2)
  })
})

describe('size of the KV cache', () => {
  it('is what was asked for', () => {
    expect(sizeKvCache({ ...request, kvCacheBytes: GiB })).toEqual({ numBlocks: Math.floor(GiB / (16 * tokenBytes)), maxModelLen: 8192 })
  })

  it('is 32768 tokens or a quarter of the free memory by default', () => {
    expect(sizeKvCache(request).numBlocks).toBe(32_768 / 16)
    const small = sizeKvCache({ ...request, availableBytes: 4 * GiB, weightBytes: GiB })
    expect(small.numBlocks).toBe(Math.floor(3 * GiB / 4 / (16 * tokenBytes)))
    expect(small.maxModelLen).toBe(8192)
  })

  it('shortens sequences to what fits unless their length was asked for', () => {
    const little = { ...request, availableBytes: GiB }
    expect(sizeKvCache(little)).toEqual({ numBlocks: 364, maxModelLen: 364 * 16 })
    expect(() => sizeKvCache({ ...little, maxModelLen: 8192 })).toThrow(expect.objectContaining({
      code: 'kv_cache_too_small', facts: expect.objectContaining({ numTokens: 364 * 16, maxModelLen: 8192, neededBytes: 8192 * tokenBytes })
    }))
    expect(sizeKvCache({ ...little, maxModelLen: 1000 }).maxModelLen).toBe(1000)
  })

  it('never promises more than the model has', () => {
    expect(sizeKvCache({ ...request, maxModelLen: 100_000 }).maxModelLen).toBe(8192)
  })

  it('refuses to start with the sizes when it does not fit', () => {
    expect(() => sizeKvCache({ ...request, kvCacheBytes: 60 * GiB, weightBytes: 10 * GiB })).toThrow(expect.objectContaining({
      code: 'kv_cache_too_large', message: expect.stringContaining(String(60 * GiB))
    }))
    expect(() => sizeKvCache({ ...request, availableBytes: 10_000_000 })).toThrow(expect.objectContaining({ code: 'kv_cache_too_small' }))
  })
})
