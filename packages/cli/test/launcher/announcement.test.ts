import { expect, test } from 'vitest'
import { backendAdvice, clientUrl, exampleMaxTokens, exampleRequest } from '../../src/launcher/announcement.js'

test('a wildcard address is reached through loopback, IPv6 in brackets', () => {
  expect(clientUrl('0.0.0.0', 80)).toBe('http://127.0.0.1:80')
  expect(clientUrl('::1', 80)).toBe('http://[::1]:80')
})

test('the request is one shell command, quotes in names included', () => {
  const text = exampleRequest({ host: '127.0.0.1', port: 8000, modelName: "o'model", hasChatTemplate: true, apiKey: '$TANDEM_API_KEY', maxTokens: 64 })
  expect(text).toBe([
    'curl http://127.0.0.1:8000/v1/chat/completions \\',
    '  -H "Authorization: Bearer $TANDEM_API_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    '  -d \'{"model":"o\'\\\'\'model","messages":[{"role":"user","content":"Why is the sky blue?"}],"max_tokens":64}\''
  ].join('\n'))
})

test('a model without a chat template is asked for a completion', () => {
  const text = exampleRequest({ host: '127.0.0.1', port: 8000, modelName: 'base', hasChatTemplate: false, apiKey: undefined, maxTokens: 16 })
  expect(text).toContain('/v1/completions')
  expect(text).toContain('{"model":"base","prompt":"The sky is blue because","max_tokens":16}')
})

const native = { backend: 'cpu', backendReason: 'addon built, avx2, 2 cores' }
const reference = (backendReason: string) => ({ backend: 'reference', backendReason })

test('the first request is short where tokens are slow', () => {
  expect([exampleMaxTokens([native]), exampleMaxTokens([native, reference('TypeScript, float32')])]).toEqual([64, 16])
})

test('a native engine that is missing is told of, with the way to it', () => {
  const missing = 'TypeScript, float32; no cpu: the native engine was not built: no C++ compiler (g++ or clang++) was found; no cuda: no'
  expect(backendAdvice([native, reference(missing)])).toBe(
    'The reference backend is about 20 times slower than the native engine. It is used because the native engine was not built: ' +
    'no C++ compiler (g++ or clang++) was found. To change that, install g++ or clang++, then run `npm run build:native` and start again.'
  )
  expect(backendAdvice([reference('TypeScript, float32; no cpu: the native engine was not built: addon.cc failed with g++')]))
    .toContain('addon.cc failed with g++. To change that, run `npm run build:native -- --verbose` and start again.')
})

test('who chose the reference backend is left in peace', () => {
  expect(backendAdvice([native, reference('TypeScript, float32')])).toBeUndefined()
})
