import { describe, expect, it } from 'vitest'
import type { OutputToken__Output } from '@tandem/protocol'
import { EOS, sayer, startTestGateway } from '../support/gateway.js'
import type { TestGateway } from '../support/gateway.js'

async function talking (text: string): Promise<TestGateway> {
  const gateway: TestGateway = await startTestGateway(sayer(text, () => gateway.encode))
  return gateway
}

const json = async (response: Response): Promise<any> => response.json() // eslint-disable-line @typescript-eslint/no-explicit-any

describe('what the scheduler is asked', () => {
  it('has every sampling field, and the model\'s end token', async () => {
    const { scheduler, post } = await talking('a')
    await post('/v1/completions', {
      prompt: 'Once',
      max_tokens: 7,
      temperature: 0.5,
      top_p: 0.25,
      top_k: 40,
      min_p: 0.125,
      seed: 2 ** 53 - 1,
      repetition_penalty: 1.5,
      presence_penalty: -1,
      frequency_penalty: 2,
      logit_bias: { 5: -100, 6: 1.5 },
      stop_token_ids: [9, EOS],
      logprobs: 0,
      user: 'u',
      store: true,
      metadata: { a: 'b' }
    })
    const [request] = scheduler.received
    expect(request).toMatchObject({
      maxTokens: 7,
      sampling: {
        temperature: 0.5,
        topP: 0.25,
        topK: 40,
        minP: 0.125,
        seed: 2 ** 53 - 1,
        repetitionPenalty: 1.5,
        presencePenalty: -1,
        frequencyPenalty: 2,
        logitBias: [{ tokenId: 5, bias: -100 }, { tokenId: 6, bias: 1.5 }],
        stopTokenIds: [EOS, 9],
        logprobs: 0
      }
    })
  })

  it('has OpenAI\'s defaults, and a seed of its own each time', async () => {
    const { scheduler, post } = await talking('a')
    await post('/v1/completions', { prompt: 'Once' })
    await post('/v1/completions', { prompt: 'Once', top_k: -1, ignore_eos: true })
    const [first, second] = scheduler.received
    expect(first).toMatchObject({ maxTokens: 16, sampling: { temperature: 1, topP: 1, topK: 0, stopTokenIds: [EOS] } })
    expect(first?.sampling?._logprobs).toBeUndefined()
    expect(second?.sampling).toMatchObject({ topK: 0, stopTokenIds: [] })
    expect(first?.sampling?.seed).not.toBe(second?.sampling?.seed)
    expect(Number.isSafeInteger(first?.sampling?.seed)).toBe(true)
  })

  it('is one sequence per choice, with seeds that follow each other', async () => {
    const { scheduler, post, encode } = await talking('a')
    const answer = await json(await post('/v1/completions', { prompt: ['One', 'Two'], n: 4, seed: 2 ** 53 - 2 }))
    expect(scheduler.received.map(({ sampling }) => sampling?.seed)).toEqual([0, 1].flatMap(() => [2 ** 53 - 2, 2 ** 53 - 1, 0, 1]))
    expect(scheduler.received.map(({ promptTokenIds }) => promptTokenIds)).toEqual(['One', 'Two'].flatMap(text => Array<number[]>(4).fill(encode(text))))
    expect(answer.choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(answer.usage.prompt_tokens).toBe(encode('One').length + encode('Two').length)
    expect(answer.usage.completion_tokens).toBe(8 * (encode('a').length + 1))
  })

  it('takes token ids as they are, one list or several', async () => {
    const { scheduler, post } = await talking('a')
    expect((await post('/v1/completions', { prompt: [5, 6, 7] })).status).toBe(200)
    expect((await post('/v1/completions', { prompt: [[5], [6, 7]] })).status).toBe(200)
    expect(scheduler.received.map(({ promptTokenIds }) => promptTokenIds)).toEqual([[5, 6, 7], [5], [6, 7]])
  })

  it('gets as many tokens as fit when a chat names no limit', async () => {
    const { scheduler, openai, encode } = await talking('a')
    await openai.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'Hi' }] })
    const [request] = scheduler.received
    expect(request?.promptTokenIds).toEqual(
      encode('<|im_start|>system\nYou are a helpful assistant<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'))
    expect(request?.maxTokens).toBe(512 - request!.promptTokenIds.length)
  })

  it('has developer messages as system messages, and parts joined', async () => {
    const { scheduler, openai, tokenizer } = await talking('a')
    await openai.chat.completions.create({
      model: 'tiny',
      max_completion_tokens: 3,
      messages: [
        { role: 'developer', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }] },
        { role: 'assistant', content: null }
      ]
    })
    expect(tokenizer.decode(scheduler.received[0]!.promptTokenIds, { skipSpecialTokens: false })).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\none\ntwo<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n<|im_start|>assistant\n')
    expect(scheduler.received[0]?.maxTokens).toBe(3)
  })
})

describe('fields of messages that a template may read', () => {
  it('reach it', async () => {
    const { tokenizer } = await talking('a')
    const seen: unknown[] = []
    const gateway: TestGateway = await startTestGateway(sayer('a', () => gateway.encode), {
      tokenizer: { ...tokenizer, chatTemplate: { render (messages, options) { seen.push(messages, options?.variables); return 'x' } } }
    })
    const message = { role: 'assistant', content: null, reasoning_content: 'hm', name: 'n' }
    const answered = { ...message, refusal: null, audio: null, tool_calls: null }
    await gateway.post('/v1/chat/completions', { messages: [answered], chat_template_kwargs: { enable_thinking: false } })
    expect(seen).toEqual([[{ ...message, content: '' }], { enable_thinking: false }])
  })
})

describe('stop strings', () => {
  it.each([false, true])('end a choice and free its sequence (stream %s)', async stream => {
    const { openai, scheduler, encode } = await talking('one two three four')
    const aborted = scheduler.nextAbort()
    const fields = { model: 'tiny', prompt: 'Once', max_tokens: 50, stop: ['o thr', 'zzz'] }
    let text = ''
    let finish
    if (stream) {
      for await (const chunk of await openai.completions.create({ ...fields, stream })) {
        text += chunk.choices[0]!.text
        finish = chunk.choices[0]!.finish_reason
      }
    } else {
      const answer = await openai.completions.create({ ...fields, stream })
      text = answer.choices[0]!.text
      finish = answer.choices[0]!.finish_reason
      expect(answer.choices[0]).toMatchObject({ stop_reason: 'o thr' })
      expect(answer.usage!.completion_tokens).toBeLessThan(encode('one two three four').length)
    }
    expect([text, finish]).toEqual(['one tw', 'stop'])
    expect(await aborted).toBe(scheduler.received[0]?.requestId)
  })

  it('stay in the text when asked', async () => {
    const { post } = await talking('one two three')
    const answer = await json(await post('/v1/completions', { prompt: 'Once', max_tokens: 50, stop: 'two', include_stop_str_in_output: true }))
    expect(answer.choices[0]).toMatchObject({ text: 'one two', finish_reason: 'stop', stop_reason: 'two' })
  })

  it('hold back text that never became one', async () => {
    const { post } = await talking('one tw')
    const answer = await json(await post('/v1/completions', { prompt: 'Once', max_tokens: 50, stop: 'two' }))
    expect(answer.choices[0]).toMatchObject({ text: 'one tw', stop_reason: null })
  })
})

describe('stop tokens', () => {
  it('of the client are a stop reason and no text', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
      const [last] = gateway.encode('!')
      scheduler.tokens(requestId, [...gateway.encode('one'), last!], { finishReason: 'FINISH_REASON_STOP' })
    })
    const [last] = gateway.encode('!')
    const answer = await json(await gateway.post('/v1/completions', { prompt: 'Once', stop_token_ids: [last] }))
    expect(answer.choices[0]).toMatchObject({ text: 'one', finish_reason: 'stop', stop_reason: last })
    expect(answer.usage.completion_tokens).toBe(gateway.encode('one').length + 1)
  })
})

describe('a tokenizer with tokens the model does not have', () => {
  it('refuses prompts that spell them, and no others', async () => {
    const gateway: TestGateway = await startTestGateway(sayer('b', () => gateway.encode), { vocabSize: 700 })
    expect([gateway.tokenizer.numTextIds, gateway.tokenizer.numIds]).toEqual([700, 701])
    expect((await gateway.post('/v1/completions', { prompt: 'I think' })).status).toBe(200)
    const refused = await gateway.post('/v1/completions', { prompt: 'I <think>' })
    expect([refused.status, await json(refused)]).toMatchObject([400, {
      error: { param: 'prompt', message: expect.stringContaining('token id 700 is outside of the vocabulary of 700') }
    }])
  })
})

describe('logprobs', () => {
  const scored = (tokenId: number, logprob: number, top: Array<[number, number]>) =>
    ({ tokenId, logprobs: { logprob, rank: 1, top: top.map(([id, value]) => ({ tokenId: id, logprob: value })) } }) as OutputToken__Output

  async function scoring (): Promise<TestGateway> {
    const gateway: TestGateway = await startTestGateway(({ requestId, promptTokenIds, sampling }, scheduler) => {
      const [a, b] = [gateway.encode('a')[0]!, gateway.encode('b')[0]!]
      // Prompt logprobs arrive as prefill goes on, before the first token.
      if (sampling?._promptLogprobs !== undefined) {
        for (const [i, tokenId] of promptTokenIds.entries()) {
          const logprobs = { logprob: -i, rank: 2, top: [{ tokenId: b, logprob: -0.5 }] }
          if (i > 0) scheduler.send([{ requestId, promptLogprobs: [{ position: i, tokenId, logprobs }] }])
        }
      }
      scheduler.send([{ requestId, tokens: [scored(a, -0.25, [[a, -0.25], [b, -1.5]])] }])
      scheduler.send([{ requestId, tokens: [scored(b, -Infinity, [[a, -0.125], [b, -2]])], finishReason: 'FINISH_REASON_LENGTH' }])
    })
    return gateway
  }

  it('of chat list tokens with bytes and alternatives', async () => {
    const { openai } = await scoring()
    const create = { model: 'tiny', messages: [{ role: 'user' as const, content: 'Hi' }], max_tokens: 2, logprobs: true, top_logprobs: 1 }
    const content = [
      { token: 'a', logprob: -0.25, bytes: [97], top_logprobs: [{ token: 'a', logprob: -0.25, bytes: [97] }] },
      { token: 'b', logprob: -9999, bytes: [98], top_logprobs: [{ token: 'a', logprob: -0.125, bytes: [97] }] }
    ]
    const answer = await openai.chat.completions.create(create)
    expect(answer.choices[0]?.logprobs?.content).toEqual(content)
    const streamed = []
    for await (const chunk of await openai.chat.completions.create({ ...create, stream: true })) {
      streamed.push(...chunk.choices[0]?.logprobs?.content ?? [])
    }
    expect(streamed).toEqual(content)
  })

  it('of completions are parallel arrays, and cover the echoed prompt', async () => {
    const { openai, encode } = await scoring()
    const create = { model: 'tiny', prompt: 'xyz', max_tokens: 2, logprobs: 1, echo: true }
    const tokens = [...'xyz', 'a', 'b']
    expect(encode('xyz')).toHaveLength(3)
    const expected = {
      tokens,
      token_logprobs: [null, -1, -2, -0.25, -9999],
      text_offset: [0, 1, 2, 3, 4],
      top_logprobs: [null, { b: -0.5, y: -1 }, { b: -0.5, z: -2 }, { a: -0.25 }, { a: -0.125, b: -9999 }]
    }
    const answer = await openai.completions.create(create)
    expect(answer.choices[0]?.text).toBe('xyzab')
    expect(answer.choices[0]?.logprobs).toEqual(expected)
    let text = ''
    const streamed: Record<string, unknown[]> = { tokens: [], token_logprobs: [], text_offset: [], top_logprobs: [] }
    for await (const chunk of await openai.completions.create({ ...create, stream: true })) {
      text += chunk.choices[0]?.text
      for (const [key, values] of Object.entries(chunk.choices[0]?.logprobs ?? {})) streamed[key]!.push(...values as unknown[])
    }
    expect(text).toBe('xyzab')
    expect(streamed).toEqual(expected)
  })

  it('show a token that is no text by its bytes, and offsets index the text', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
      const tokens = gateway.encode('🚀b').map(tokenId => scored(tokenId, -1, []))
      scheduler.send([{ requestId, tokens, finishReason: 'FINISH_REASON_LENGTH' }])
    })
    const [{ text, logprobs }] = (await json(await gateway.post('/v1/completions', { prompt: 'x', logprobs: 0, echo: true }))).choices
    expect(text).toBe('x🚀b')
    expect(logprobs.tokens[1]).toBe('bytes:\\xf0\\x9f')
    expect(logprobs.tokens.map((_: string, i: number) => [...text].slice(logprobs.text_offset[i]).join('')))
      .toEqual(['x🚀b', ...logprobs.tokens.slice(1, -1).map(() => '🚀b'), 'b'])
  })
})

describe('echo', () => {
  it('works without logprobs, of text and of token ids', async () => {
    const { post, encode, scheduler } = await talking(' more')
    expect((await json(await post('/v1/completions', { prompt: 'Once', echo: true }))).choices[0]).toMatchObject({ text: 'Once more', logprobs: null })
    expect((await json(await post('/v1/completions', { prompt: encode('Once'), echo: true }))).choices[0].text).toBe('Once more')
    expect(scheduler.received[0]?.sampling?._promptLogprobs).toBeUndefined()
  })
})

describe('streams', () => {
  it('have the headers and the exact shape of server-sent events', async () => {
    const { post } = await talking('hi "you"\n')
    const response = await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }], stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const events = (await response.text()).split('\n\n')
    expect(events.at(-1)).toBe('')
    expect(events.at(-2)).toBe('data: [DONE]')
    const chunks = events.slice(0, -2).map(event => JSON.parse(event.slice('data: '.length)) as Record<string, unknown>)
    const id = chunks[0]!.id
    expect(id).toMatch(/^chatcmpl-[0-9a-f]{32}$/)
    for (const chunk of chunks) expect(chunk).toMatchObject({ id, object: 'chat.completion.chunk', created: 1_700_000_000, model: 'tiny' })
    expect(chunks.some(chunk => 'usage' in chunk)).toBe(false)
  })

  it('interleave choices by index', async () => {
    const { openai } = await talking('one two')
    const texts = ['', '', '']
    const finished: number[] = []
    const stream = await openai.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], n: 3, stream: true })
    for await (const { choices: [choice] } of stream) {
      texts[choice!.index] += choice!.delta.content ?? ''
      if (choice!.finish_reason !== null) finished.push(choice!.index)
    }
    expect(texts).toEqual(['one two', 'one two', 'one two'])
    expect(finished.sort()).toEqual([0, 1, 2])
  })

  it('answer with usage alone when nothing was generated but the end token', async () => {
    const { openai } = await talking('')
    const chunks = []
    const stream = await openai.chat.completions.create({
      model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], stream: true, stream_options: { include_usage: true }
    })
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? null)).toEqual(['', null, null])
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 1 })
  })
})

describe('a model without a chat template', () => {
  it('refuses chats, not completions', async () => {
    const { tokenizer } = await talking('a')
    const bare = { ...tokenizer, chatTemplate: undefined }
    const gateway: TestGateway = await startTestGateway(sayer('a', () => gateway.encode), { tokenizer: bare })
    const refused = await gateway.post('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] })
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'chat_template_missing', param: 'messages' } }])
    expect((await gateway.post('/v1/completions', { prompt: 'Hi' })).status).toBe(200)
  })
})

describe('cached tokens', () => {
  it('are reported once per prompt', async () => {
    const gateway: TestGateway = await startTestGateway(({ requestId }, scheduler) => {
      scheduler.tokens(requestId, gateway.encode('a'), { numCachedTokens: 3 })
      scheduler.tokens(requestId, [EOS], { finishReason: 'FINISH_REASON_STOP' })
    })
    const answer = await json(await gateway.post('/v1/completions', { prompt: ['Once upon', 'a time'], n: 2 }))
    expect(answer.usage.prompt_tokens_details).toEqual({ cached_tokens: 6 })
    expect((await gateway.metrics.cachedTokens.get()).values[0]?.value).toBe(6)
  })
})
