import { describe, expect, it } from 'vitest'
import type { RepositoryFile } from '../src/repository.js'
import { selectFiles } from '../src/select-files.js'

function files (...paths: string[]): RepositoryFile[] {
  return paths.map(path => ({ path, name: path.split('/').pop() ?? '', sizeBytes: 1, checksum: { algorithm: 'git-sha1', hex: 'a'.repeat(40) } }))
}

function select (paths: readonly string[], include: readonly string[] = []): string[] {
  return selectFiles('o/n', files(...paths), include).map(file => file.path).sort()
}

describe('selectFiles', () => {
  it('takes safetensors of the root with their index, and no other weights', () => {
    const wanted = ['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json', 'tokenizer.json']
    const others = ['consolidated.safetensors', 'adapter_model.safetensors', 'pytorch_model.bin', 'q4.gguf', 'sub/model.safetensors', 'sub/config.json', '.gitattributes']
    expect(select([...others, ...wanted])).toEqual(wanted)
  })

  it('takes the only GGUF model, split or not', () => {
    expect(select(['README.md', 'm-Q4.gguf'])).toEqual(['m-Q4.gguf'])
    expect(select(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'])).toEqual(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'])
  })

  it('asks which of several, and takes what is included', () => {
    const paths = ['m-Q4_K_M.gguf', 'm-Q8_0.gguf', 'big/m-F16-00001-of-00002.gguf', 'big/m-F16-00002-of-00002.gguf', 'config.json']
    expect(() => select(paths)).toThrow(/choose one with include: m-Q4_K_M.gguf, m-Q8_0.gguf/)
    expect(select(paths, ['*Q4_K_M*'])).toEqual(['config.json', 'm-Q4_K_M.gguf'])
    expect(select(paths, ['big/*'])).toEqual(['big/m-F16-00001-of-00002.gguf', 'big/m-F16-00002-of-00002.gguf', 'config.json'])
    expect(select(paths, ['m-Q?_0.gguf'])).toEqual(['config.json', 'm-Q8_0.gguf'])
  })

  it('refuses repositories without weights, patterns without a match and two files of one name', () => {
    expect(() => select(['config.json', 'pytorch_model.bin'])).toThrow(expect.objectContaining({ code: 'hub_no_weights' }))
    expect(() => select(['m.gguf'], ['m+gguf'])).toThrow(/that match m\+gguf/)
    expect(() => select(['a/m.gguf', 'b/m.gguf'], ['*.gguf'])).toThrow(expect.objectContaining({ code: 'hub_choice_needed' }))
  })
})
