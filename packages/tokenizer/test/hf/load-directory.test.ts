import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadTokenizer } from '../../src/load.js'
import { goldenPath } from '../support/golden.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tandem-tokenizer-'))
  await cp(goldenPath('deepseek-v3'), directory, { recursive: true })
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const load = () => loadTokenizer({ kind: 'hf', directory })
const code = (expected: string) => expect.objectContaining({ code: expected })

async function edit (file: string, change: (value: Record<string, unknown>) => void): Promise<void> {
  const path = join(directory, file)
  const value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  change(value)
  await writeFile(path, JSON.stringify(value))
}

describe('a Hugging Face directory', () => {
  it('takes add_bos_token from the config of a Llama class, and of no other', async () => {
    const countAdded = async () => {
      const tokenizer = await load()
      return tokenizer.encode('a', { addSpecialTokens: true }).length - tokenizer.encode('a', { addSpecialTokens: false }).length
    }
    expect(await countAdded()).toBe(0)
    await edit('tokenizer_config.json', config => { config.tokenizer_class = 'LlamaTokenizerFast' })
    expect(await countAdded()).toBe(1)
    await edit('tokenizer_config.json', config => { config.add_eos_token = true })
    expect(await countAdded()).toBe(2)
  })

  it('prefers chat_template.jinja, and takes the default of several templates', async () => {
    const messages = [{ role: 'user', content: 'Hi' }]
    await edit('tokenizer_config.json', config => {
      config.chat_template = [{ name: 'tool_use', template: 'tools' }, { name: 'default', template: 'listed' }]
    })
    expect((await load()).chatTemplate?.render(messages)).toBe('listed')
    await writeFile(join(directory, 'chat_template.jinja'), 'file')
    expect((await load()).chatTemplate?.render(messages)).toBe('file')
  })

  it('reads tokens written as objects', async () => {
    await edit('tokenizer_config.json', config => { config.bos_token = { content: '<|endoftext|>', lstrip: false } })
    expect((await load()).bosTokenId).toBe(0)
  })

  it('works without tokenizer_config.json', async () => {
    await rm(join(directory, 'tokenizer_config.json'))
    const tokenizer = await load()
    expect(tokenizer.chatTemplate).toBeUndefined()
    expect(tokenizer.bosTokenId).toBeUndefined()
  })

  it('says what is missing, broken or unknown', async () => {
    await writeFile(join(directory, 'tokenizer_config.json'), '{')
    await expect(load()).rejects.toThrow(code('tokenizer_corrupt'))
    await writeFile(join(directory, 'tokenizer_config.json'), '{}')
    await edit('tokenizer.json', json => { json.decoder = { type: 'WordPiece' } })
    await expect(load()).rejects.toThrow(code('tokenizer_unsupported'))
    await edit('tokenizer.json', json => { json.decoder = { type: 'ByteLevel' }; json.pre_tokenizer = { type: 'Nothing' } })
    await expect(load()).rejects.toThrow(code('tokenizer_unsupported'))
    await edit('tokenizer.json', json => { json.model = { type: 'Unigram', vocab: [] } })
    await expect(load()).rejects.toThrow(code('tokenizer_unsupported'))
    await edit('tokenizer.json', json => { delete json.model })
    await expect(load()).rejects.toThrow(code('tokenizer_corrupt'))
    await writeFile(join(directory, 'tokenizer.json'), '[]')
    await expect(load()).rejects.toThrow(code('tokenizer_corrupt'))
    await rm(join(directory, 'tokenizer.json'))
    await expect(load()).rejects.toThrow(code('tokenizer_missing'))
  })
})
