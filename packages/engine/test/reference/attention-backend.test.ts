import { createReferenceAttentionBackend, type AttentionBackend } from '@tandem/engine'
import { attentionTensorRefs, bytesOfTensor } from '@tandem/model'
import { describe, expect, it } from 'vitest'
import { openGoldenModel } from './golden-models.js'
import { createModelRunner } from './run-model.js'

async function open (name: string, onProgress?: (doneBytes: number, totalBytes: number) => void): Promise<AttentionBackend> {
  const options = { numBlocks: 6, blockSize: 4, maxModelLen: 16 }
  return createReferenceAttentionBackend(await openGoldenModel(name), onProgress === undefined ? options : { ...options, onProgress })
}

describe('createReferenceAttentionBackend', () => {
  it('reads the attention side once and says how far it is', async () => {
    const model = await openGoldenModel('llama-tied-llama3-f32')
    const total = attentionTensorRefs(model).reduce((sum, ref) => sum + bytesOfTensor(ref), 0)
    const progress: number[][] = []
    const backend = await open('llama-tied-llama3-f32', (done, of) => progress.push([done, of]))
    expect(backend.weightBytes).toBe(total)
    expect(progress.at(-1)).toEqual([total, total])
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).toSorted((a, b) => a! - b!))
  })

  it.each([
    ['llama-bf16', 3 * 2 * 2 * 16], // layers x (K, V) x KV heads x head dim
    ['deepseek-v3-bf16', 3 * (24 + 8)], // layers x (latent + rope)
    ['step3-bf16', 3 * 2 * 32] // layers x (K, V) x head dim
  ])('allocates the KV pool of %s', async (name, elementsPerToken) => {
    expect((await open(name)).kvCacheBytes).toBe(6 * 4 * elementsPerToken * 4)
  })

  it('gives a row the same bits in a batch of strangers', async () => {
    const backend = await open('qwen3-bf16')
    const alone = { tokenIds: Int32Array.of(5, 6, 7), sequences: [{ firstRow: 0, numTokens: 3, startPosition: 0, blockTable: Int32Array.of(1) }] }
    const together = {
      tokenIds: Int32Array.of(9, 8, 5, 6, 7),
      sequences: [
        { firstRow: 0, numTokens: 2, startPosition: 0, blockTable: Int32Array.of(3) },
        { firstRow: 2, numTokens: 3, startPosition: 0, blockTable: Int32Array.of(2) }
      ]
    }
    const [a, b] = [backend.embed(alone), backend.embed(together)]
    const [outA, outB] = [backend.attend(0, alone, a), backend.attend(0, together, b)]
    expect(b.subarray(2 * 64)).toEqual(a)
    expect(outB.hidden.subarray(2 * 64)).toEqual(outA.hidden)
    expect(backend.logits(b, [4, 0])[0]).toEqual(backend.logits(a, [2])[0])
  })

  it.each(['qwen3-moe-bf16', 'deepseek-v2-bf16', 'step3-fp8'])('gives %s the same bits whole, in chunks of any size and token by token', async name => {
    const runner = await createModelRunner(await openGoldenModel(name), { blockSize: 4, numFfnWorkers: 3 })
    const prompt = [9, 4, 77, 31, 8, 120, 55, 2, 64, 13, 13]
    const run = (chunkSizes: readonly number[]): Float32Array[] => {
      const sequence = runner.addSequence()
      let start = 0
      return chunkSizes.flatMap(size => {
        start += size
        return runner.step([{ sequence, tokenIds: prompt.slice(start - size, start) }])[0]!
      })
    }
    const whole = run([11])
    expect(run([1, 5, 2, 3])).toEqual(whole)
    expect(run(prompt.map(() => 1))).toEqual(whole)
  })

  it('stops on broken invariants: tokens outside the vocabulary, positions beyond the limit, use after dispose', async () => {
    const backend = await open('llama-bf16')
    const ubatchOf = (tokenId: number, startPosition: number): Parameters<AttentionBackend['embed']>[0] => ({
      tokenIds: Int32Array.of(tokenId), sequences: [{ firstRow: 0, numTokens: 1, startPosition, blockTable: Int32Array.of(0, 1, 2, 3, 4) }]
    })
    expect(() => backend.embed(ubatchOf(160, 0))).toThrow('token 160')
    expect(() => backend.attend(0, ubatchOf(0, 16), new Float32Array(64))).toThrow('position 16')
    backend.dispose()
    expect(() => backend.embed(ubatchOf(0, 0))).toThrow('disposed')
  })
})
