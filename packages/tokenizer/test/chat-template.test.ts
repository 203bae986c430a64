import { describe, expect, it } from 'vitest'
import { createChatTemplate } from '../src/chat-template.js'
import { loadTokenizer } from '../src/load.js'
import type { TokenizerParts } from '../src/tokenizer-json.js'
import { expectedOf, ggufMetadataOf, goldenPath, samples } from './support/golden.js'

function templateOf (text: string) {
  const parts = { source: 'test', chatTemplate: text, bosToken: '<s>', eosToken: '</s>', unkToken: undefined, padToken: undefined }
  return createChatTemplate(parts as unknown as TokenizerParts, () => new Date(2024, 4, 7, 15, 4, 9))!
}
const user = [{ role: 'user', content: 'Hi' }]

describe('chat template', () => {
  it.each(['smollm', 'llama-bpe', 'sentencepiece'])('renders what transformers renders: %s', async name => {
    const { chatTemplate } = await loadTokenizer({ kind: 'hf', directory: goldenPath(name) })
    const prompts = expectedOf(`${name}/expected.json`).prompts
    expect(samples.messages.map(messages => chatTemplate!.render(messages))).toEqual(prompts)
  })

  it('is undefined where the checkpoint has none', async () => {
    const tokenizer = await loadTokenizer({ kind: 'gguf', path: 'smollm.gguf', metadata: ggufMetadataOf('smollm') })
    expect(tokenizer.chatTemplate).toBeUndefined()
  })

  it('knows the names of transformers', () => {
    const text = '{{ bos_token }}{{ eos_token }}|{{ unk_token is none }}|{{ tools is none }}|{{ add_generation_prompt }}|{% for i in range(1, 7, 2) %}{{ i }}{% endfor %}'
    expect(templateOf(text).render(user)).toBe('<s></s>|true|true|true|135')
    expect(templateOf(text).render(user, { addGenerationPrompt: false })).toContain('|false|')
  })

  it('formats the date as Python does, in English whatever the locale', () => {
    expect(templateOf("{{ strftime_now('%d %b %Y, %A %B %I:%M:%S %p %H %y %j%%') }}").render(user))
      .toBe('07 May 2024, Tuesday May 03:04:09 PM 15 24 %j%')
  })

  it('passes variables, which cannot replace the standard names', () => {
    const template = templateOf('{{ enable_thinking }} {{ messages[0].content }} {{ range }}')
    expect(template.render(user, { variables: { enable_thinking: false, messages: [], range: 'mine' } })).toBe('false Hi mine')
  })

  it('reports what the template refuses', () => {
    const template = templateOf("{{ raise_exception('no system role') }}")
    expect(() => template.render(user)).toThrow(expect.objectContaining({
      code: 'chat_template_failed', httpStatus: 400, message: expect.stringContaining('no system role'), facts: expect.objectContaining({ param: 'messages' })
    }))
    expect(() => templateOf('{{ messages[0].content.nothing() }}').render(user)).toThrow(expect.objectContaining({ code: 'chat_template_failed' }))
  })

  it('refuses a template that does not parse', () => {
    expect(() => templateOf('{% if %}')).toThrow(expect.objectContaining({ code: 'tokenizer_unsupported' }))
  })
})
