// The real `openai` client against the app.
import { describe, expect, it } from 'vitest'
import { sayer, startTestGateway } from './support/gateway.js'
import type { TestGateway } from './support/gateway.js'

const TEXT = 'The quick brown fox 👩‍👩‍👧‍👦 says 日本語'

async function talking (text = TEXT): Promise<TestGateway> {
  const gateway: TestGateway = await startTestGateway(sayer(text, () => gateway.encode))
  return gateway
}

describe('chat completions', () => {
  it('answers whole', async () => {
    const { openai, encode } = await talking()
    const answer = await openai.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'Hi' }] })
    expect(answer.choices[0]?.message).toMatchObject({ role: 'assistant', content: TEXT })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
    expect(answer.usage?.completion_tokens).toBe(encode(TEXT).length + 1)
    expect(answer.created).toBe(1_700_000_000)
  })

  it('streams the same text, with role, finish and usage chunks', async () => {
    const { openai } = await talking()
    const stream = await openai.chat.completions.create({
      model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], stream: true, stream_options: { include_usage: true }
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(TEXT)
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
    expect(chunks.at(-1)?.choices).toEqual([])
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(10)
    expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
  })
})

describe('completions', () => {
  it('answers whole and stops at max_tokens', async () => {
    const { openai, tokenizer, encode } = await talking()
    const answer = await openai.completions.create({ model: 'tiny', prompt: 'Once', max_tokens: 5 })
    expect(answer.choices[0]?.text).toBe(tokenizer.decode(encode(TEXT).slice(0, 5)))
    expect(answer.choices[0]?.finish_reason).toBe('length')
    expect(answer.usage).toMatchObject({ completion_tokens: 5 })
  })

  it('streams the same text', async () => {
    const { openai } = await talking()
    const stream = await openai.completions.create({ model: 'tiny', prompt: 'Once', max_tokens: 200, stream: true })
    let text = ''
    let last
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? ''
      last = chunk
    }
    expect(text).toBe(TEXT)
    expect(last?.choices[0]?.finish_reason).toBe('stop')
  })
})
