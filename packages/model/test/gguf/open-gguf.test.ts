import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ggufBaseName, openGguf, splitPaths } from '../../src/gguf/open-gguf.js'
import { encodeGguf } from '../support/gguf-file.js'
import type { GgufEntry } from '../support/gguf-file.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

describe('split names', () => {
  it('give every part from any part', () => {
    const parts = ['/d/m-00001-of-00003.gguf', '/d/m-00002-of-00003.gguf', '/d/m-00003-of-00003.gguf']
    for (const part of parts) expect(splitPaths(part)).toEqual(parts)
    expect(splitPaths('/d/m.gguf')).toEqual(['/d/m.gguf'])
    expect(ggufBaseName('/d/m-Q4-00002-of-00003.gguf')).toBe('m-Q4')
    expect(ggufBaseName('/d/m.GGUF')).toBe('m')
  })

  it.each(['m-00000-of-00002.gguf', 'm-00003-of-00002.gguf', 'm-00001-of-00000.gguf', 'm-00001-of-99999.gguf'])('refuse %s', name => {
    expect(() => splitPaths(name)).toThrow(expect.objectContaining({ code: 'model_shard_invalid' }))
  })
})

describe('openGguf', () => {
  it('reads on when the header is longer than the first prefix', async () => {
    const tokens = Array.from({ length: 120_000 }, (_, i) => `token ${i}`)
    const bytes = encodeGguf([['tokens', 'array', 'string', tokens]], [{ name: 'a', shape: [4] }])
    expect(bytes.length).toBeGreaterThan(2 * 1024 * 1024)
    const { metadata, tensors } = await openGguf(join(await temporaryDirectory({ 'm.gguf': bytes }), 'm.gguf'))
    expect((metadata.get('tokens') as string[]).at(-1)).toBe('token 119999')
    expect(tensors.get('a')?.offset).toBe(bytes.length - 16)
  })

  it('checks what split parts say about each other', async () => {
    const part = (no: number, count: number, name: string, more: GgufEntry[] = []): Uint8Array =>
      encodeGguf([['split.no', 'u32', no], ['split.count', 'u32', count], ...more], [{ name, shape: [1] }])
    const open = async (first: Uint8Array, second: Uint8Array): Promise<unknown> => {
      const directory = await temporaryDirectory({ 'm-00001-of-00002.gguf': first, 'm-00002-of-00002.gguf': second })
      return openGguf(join(directory, 'm-00002-of-00002.gguf'))
    }
    expect(await open(part(0, 2, 'a', [['split.tensors.count', 'i32', 2]]), part(1, 2, 'b'))).toMatchObject({ paths: { length: 2 } })
    await expect(open(part(0, 3, 'a'), part(1, 2, 'b'))).rejects.toThrow(/split.count must be 2/)
    await expect(open(part(0, 2, 'a'), part(1, 2, 'a'))).rejects.toMatchObject({ code: 'tensor_duplicate' })
    await expect(open(part(0, 2, 'a', [['split.tensors.count', 'i32', 3]]), part(1, 2, 'b'))).rejects.toThrow(/split.tensors.count is 3/)
    await expect(open(part(0, 2, 'a'), encodeGguf([], []))).rejects.toThrow(/split.no must be 1/)
  })

  it('refuses an empty file', async () => {
    const directory = await temporaryDirectory({ 'm.gguf': new Uint8Array(0) })
    await expect(openGguf(join(directory, 'm.gguf'))).rejects.toMatchObject({ code: 'model_file_truncated' })
  })
})
