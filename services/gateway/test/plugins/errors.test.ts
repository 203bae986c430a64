// Bad input: every refusal is an OpenAI error body that names the parameter.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.js'
import type { TestGateway } from '../support/gateway.js'

interface Refusal { error: { message: string, type: string, param: string | null, code: string } }

let gateway: TestGateway
const ends: Array<() => Promise<void>> = []
beforeAll(async () => { gateway = await startTestGateway(() => {}, { onEnd: end => { ends.push(end) } }) })
afterAll(() => Promise.all(ends.map(end => end())))

async function refusal (path: string, body: unknown, headers?: Record<string, string>): Promise<[number, Refusal['error']]> {
  const response = await gateway.post(path, body, headers)
  expect(response.headers.get('content-type')).toContain('application/json')
  const { error } = await response.json() as Refusal
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
  return [response.status, error]
}

const chat = (fields: object) => ({ model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], ...fields })
const completion = (fields: object) => ({ model: 'tiny', prompt: 'Hi', ...fields })

const badFields: Array<[string, unknown, string, string]> = [
  // field, value, code, param
  ['temperature', 2.5, 'invalid_value', 'temperature'],
  ['temperature', -0.1, 'invalid_value', 'temperature'],
  ['temperature', 'hot', 'invalid_type', 'temperature'],
  ['top_p', 0, 'invalid_value', 'top_p'],
  ['top_p', 1.1, 'invalid_value', 'top_p'],
  ['top_k', -2, 'invalid_value', 'top_k'],
  ['top_k', 1.5, 'invalid_type', 'top_k'],
  ['min_p', 2, 'invalid_value', 'min_p'],
  ['seed', -1, 'invalid_value', 'seed'],
  ['seed', 2 ** 53, 'invalid_value', 'seed'],
  ['repetition_penalty', 0, 'invalid_value', 'repetition_penalty'],
  ['presence_penalty', 3, 'invalid_value', 'presence_penalty'],
  ['frequency_penalty', -3, 'invalid_value', 'frequency_penalty'],
  ['max_tokens', 0, 'invalid_value', 'max_tokens'],
  ['max_tokens', -1, 'invalid_value', 'max_tokens'],
  ['max_tokens', 1e9, 'context_length_exceeded', 'max_tokens'],
  ['max_tokens', 1.5, 'invalid_type', 'max_tokens'],
  ['max_tokens', '5', 'invalid_type', 'max_tokens'],
  ['n', 0, 'invalid_value', 'n'],
  ['n', 1000, 'invalid_value', 'n'],
  ['stop', ['a', 'b', 'c', 'd', 'e'], 'invalid_type', 'stop'],
  ['stop', '', 'invalid_type', 'stop'],
  ['stop', 7, 'invalid_type', 'stop'],
  ['stop_token_ids', [1e9], 'invalid_value', 'stop_token_ids'],
  ['stop_token_ids', ['a'], 'invalid_type', 'stop_token_ids[0]'],
  ['logit_bias', { abc: 1 }, 'invalid_value', 'logit_bias'],
  ['logit_bias', { 99999999: 1 }, 'invalid_value', 'logit_bias'],
  ['logit_bias', { 5: 101 }, 'invalid_value', 'logit_bias[5]'],
  ['stream', 'yes', 'invalid_type', 'stream'],
  ['stream_options', { continuous_usage_stats: true }, 'unsupported_parameter', 'stream_options.continuous_usage_stats'],
  ['model', 5, 'invalid_type', 'model'],
  ['model', 'gpt-unknown', 'model_not_found', 'model'],
  ['best_of', 3, 'unsupported_parameter', 'best_of'],
  ['min_tokens', 5, 'unsupported_parameter', 'min_tokens'],
  ['surprise', 1, 'unsupported_parameter', 'surprise'],
  ['constructor', 1, 'unsupported_parameter', 'constructor']
]

describe.each([['/v1/completions', completion], ['/v1/chat/completions', chat]])('%s', (path, body) => {
  it.each(badFields)('refuses %s = %j', async (field, value, code, param) => {
    const [status, error] = await refusal(path, body({ [field]: value }))
    expect([status, error.code, error.param, error.type]).toEqual([code === 'model_not_found' ? 404 : 400, code, param, 'invalid_request_error'])
    expect(gateway.scheduler.received).toEqual([])
  })

  it.each([['NaN', '{"temperature": NaN'], ['Infinity', '{ "temperature" :-Infinity']])('names the field that is %s', async (_, start) => {
    const [status, error] = await refusal(path, start + ', "prompt": "x", "messages": []}')
    expect([status, error.code, error.param]).toEqual([400, 'invalid_value', 'temperature'])
  })

  it('refuses a number that overflows', async () => {
    const [status, error] = await refusal(path, JSON.stringify(body({ temperature: 1 })).replace('"temperature":1', '"temperature":1e999'))
    expect([status, error.param]).toEqual([400, 'temperature'])
  })

  it.each([['no JSON', 'hello'], ['cut off', '{"model":'], ['nothing', ''], ['an array', '[]'], ['a string', '"x"'], ['a forbidden key', '{"__proto__": {}}']])(
    'refuses a body that is %s', async (_, text) => {
      const [status, error] = await refusal(path, text)
      expect([status, error.code]).toEqual([400, 'invalid_json'])
    })

  it('says what is wrong in words', async () => {
    expect((await refusal(path, body({ n: 1000 })))[1].message).toBe(
      "invalid value for 'n': 1000 sequences (prompts times n) are more than the 8 a request may ask for"
    )
    expect((await refusal('/v1/chat/completions', chat({ messages: [] })))[1].message).toBe("invalid value for 'messages': it is empty")
  })

  it('says what is wrong with the JSON', async () => {
    const [, cutOff] = await refusal(path, '{"model":')
    expect(cutOff.message).toMatch(/end of JSON input/)
    const [, forbidden] = await refusal(path, '{"__proto__": {}}')
    expect(forbidden.message).toMatch(/forbidden key/)
  })

  it.each(['application/x-www-form-urlencoded', 'text/plain'])('refuses the media type %s', async type => {
    const [status, error] = await refusal(path, '{"prompt":"x"}', { 'content-type': type })
    expect([status, error.code]).toEqual([415, 'unsupported_media_type'])
  })

  it('takes null for absent', async () => {
    const [status, error] = await refusal(path, body({ temperature: null, tools: null, surprise: null, n: null, max_tokens: 0 }))
    expect([status, error.param]).toEqual([400, 'max_tokens'])
  })
})

describe('prompts', () => {
  const badPrompts: Array<[string, unknown, string, string]> = [
    ['missing', undefined, 'missing_parameter', 'prompt'],
    ['of a wrong type', { a: 1 }, 'invalid_type', 'prompt'],
    ['an empty list', [], 'invalid_type', 'prompt'],
    ['a mixed list', ['a', 1], 'invalid_type', 'prompt'],
    ['a token id outside of the vocabulary', [1, 99_999], 'invalid_value', 'prompt'],
    ['a negative token id', [-1], 'invalid_type', 'prompt'],
    ['empty, where the model has no bos', '', 'invalid_value', 'prompt'],
    ['too long', 'word '.repeat(600), 'context_length_exceeded', 'prompt'],
    ['far too long', 'x!'.repeat(20_000), 'context_length_exceeded', 'prompt'],
    ['too many', Array(9).fill('a'), 'invalid_value', 'prompt']
  ]
  it.each(badPrompts)('refuses a prompt that is %s', async (_, prompt, code, param) => {
    const [status, error] = await refusal('/v1/completions', { model: 'tiny', prompt })
    expect([status, error.code, error.param]).toEqual([400, code, param])
  })

  it.each([['suffix', 'x'], ['logprobs', 21], ['logprobs', true]])('refuses %s = %j', async (field, value) => {
    const [status, error] = await refusal('/v1/completions', completion({ [field]: value }))
    expect([status, error.param]).toEqual([400, field])
  })
})

describe('messages', () => {
  const badMessages: Array<[string, unknown, string]> = [
    ['missing', undefined, 'messages'],
    ['empty', [], 'messages'],
    ['no objects', ['hi'], 'messages[0]'],
    ['without role', [{ content: 'hi' }], 'messages[0].role'],
    ['of an unknown role', [{ role: 'tool', content: 'hi' }], 'messages[0].role'],
    ['without content', [{ role: 'user' }], 'messages[0].content'],
    ['of wrong content', [{ role: 'user', content: 5 }], 'messages[0].content'],
    ['of null content from a user', [{ role: 'user', content: null }], 'messages[0].content'],
    ['with an image', [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: {} }] }], 'messages[0].content[1].type'],
    ['with a part that has no text', [{ role: 'user', content: [{ type: 'text' }] }], 'messages[0].content[0].text'],
    ['with tool calls', [{ role: 'assistant', content: null, tool_calls: [{}] }], 'messages[0].tool_calls'],
    ['too long', [{ role: 'user', content: 'word '.repeat(600) }], 'messages']
  ]
  it.each(badMessages)('refuses messages %s', async (_, messages, param) => {
    const [status, error] = await refusal('/v1/chat/completions', { model: 'tiny', messages })
    expect([status, error.param]).toEqual([400, param])
  })

  it.each<[string, unknown, string]>([
    ['tools', [{ type: 'function' }], 'tools'],
    ['tool_choice', 'required', 'tool_choice'],
    ['response_format', { type: 'json_object' }, 'response_format'],
    ['top_logprobs', 3, 'top_logprobs'],
    ['max_completion_tokens', 0, 'max_completion_tokens'],
    ['max_completion_tokens', 1e6, 'max_completion_tokens'],
    ['modalities', ['text', 'audio'], 'modalities'],
    ['reasoning_effort', 'high', 'reasoning_effort']
  ])('refuses %s = %j', async (field, value, param) => {
    const [status, error] = await refusal('/v1/chat/completions', chat({ [field]: value }))
    expect([status, error.param]).toEqual([400, param])
  })
})

describe('HTTP', () => {
  it('refuses a body over the limit', async () => {
    const [status, error] = await refusal('/v1/completions', completion({ prompt: 'a'.repeat(70_000) }))
    expect([status, error.code]).toEqual([413, 'body_too_large'])
  })

  // fetch reads no answer before it sent all of its body: a connection closed meanwhile would be all that it sees.
  it.each([['with its length', false], ['in chunks', true]])('refuses a body far over the limit, sent %s', async (_, inChunks) => {
    const text = JSON.stringify(completion({ prompt: 'a'.repeat(10_000_000) }))
    const body = inChunks ? new Blob([text]).stream() : text
    const response = await fetch(`${gateway.url}/v1/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body, ...(inChunks ? { duplex: 'half' } : {})
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ error: { code: 'body_too_large' } })
  })

  it('answers unknown routes and methods', async () => {
    for (const [method, path] of [['GET', '/nothing'], ['GET', '/v1/completions'], ['DELETE', '/v1/models']] as const) {
      const response = await fetch(gateway.url + path, { method })
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'route_not_found', type: 'invalid_request_error', param: null } })
    }
  })

  it('answers a malformed request', async () => {
    const socket = connect({ port: Number(new URL(gateway.url).port), host: '127.0.0.1' })
    socket.end('NONSENSE\r\n\r\n')
    let text = ''
    for await (const data of socket) text += String(data)
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request/)
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ error: { code: 'request_rejected' } })
  })

  it('refuses more sequences than may be in flight', async () => {
    const busy = await startTestGateway(() => {}, { options: { maxInFlight: 1 } })
    const arrived = busy.scheduler.nextGenerate()
    const first = new AbortController()
    const waiting = fetch(`${busy.url}/v1/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(completion({})), signal: first.signal
    }).catch(() => undefined)
    await arrived
    const response = await busy.post('/v1/completions', completion({}))
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await response.json()).toMatchObject({ error: { code: 'too_many_requests', type: 'rate_limit_error' } })
    first.abort()
    await waiting
  })
})
