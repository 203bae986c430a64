import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelDirectoryOf, parseModelId } from '../src/model-id.js'
import { resolveModel } from '../src/resolve-model.js'
import { temporaryDirectory } from './support/temporary-directory.js'

describe('parseModelId', () => {
  it('reads owner, name and revision', () => {
    expect(parseModelId('HuggingFaceTB/SmolLM2-135M')).toEqual({ id: 'HuggingFaceTB/SmolLM2-135M', revision: 'main' })
    expect(parseModelId('gpt2@refs/pr/3')).toEqual({ id: 'gpt2', revision: 'refs/pr/3' })
  })

  it.each(['', 'a/b/c', '../a', 'a/..', 'a/b..c', '/a', 'a/', 'a b', 'a@', 'a@b@c', 'a/b@../x', 'a'.repeat(200), 'a/b?x', 'a\\b'])('refuses %j', text => {
    expect(() => parseModelId(text)).toThrow(expect.objectContaining({ code: 'hub_model_id_invalid' }))
  })

  it('places revisions beside each other', () => {
    expect(modelDirectoryOf('/m', { id: 'o/n', revision: 'main' })).toBe(join('/m', 'o', 'n'))
    expect(modelDirectoryOf('/m', { id: 'o/n', revision: 'refs/pr/3' })).toBe(join('/m', 'o', 'n@refs--pr--3'))
  })
})

describe('resolveModel', () => {
  it('gives paths that exist as they are, and tells paths from ids', async () => {
    const modelsDirectory = await temporaryDirectory()
    expect(await resolveModel(modelsDirectory, { modelsDirectory })).toBe(modelsDirectory)
    for (const path of ['./no', '/no/where', 'no.gguf', 'a/b/c', '~/models', 'C:\\m']) {
      await expect(resolveModel(path, { modelsDirectory })).rejects.toMatchObject({ code: 'hub_path_not_found' })
    }
    await expect(resolveModel('o/n', { modelsDirectory })).rejects.toThrow(/run: tandem pull o\/n$/)
    await expect(resolveModel('not an id', { modelsDirectory })).rejects.toMatchObject({ code: 'hub_model_id_invalid' })
  })
})
