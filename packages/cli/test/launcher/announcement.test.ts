import { expect, test } from 'vitest'
import { clientUrl, exampleRequest } from '../../src/launcher/announcement.js'

test('a wildcard address is reached through loopback, IPv6 in brackets', () => {
  expect(clientUrl('0.0.0.0', 80)).toBe('http://127.0.0.1:80')
  expect(clientUrl('::1', 80)).toBe('http://[::1]:80')
})

test('the request is one shell command, quotes in names included', () => {
  const text = exampleRequest({ host: '127.0.0.1', port: 8000, modelName: "o'model", hasChatTemplate: true, apiKey: '$TANDEM_API_KEY' })
  expect(text).toBe([
    'curl http://127.0.0.1:8000/v1/chat/completions \\',
    '  -H "Authorization: Bearer $TANDEM_API_KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    '  -d \'{"model":"o\'\\\'\'model","messages":[{"role":"user","content":"Why is the sky blue?"}],"max_tokens":64}\''
  ].join('\n'))
})

test('a model without a chat template is asked for a completion', () => {
  const text = exampleRequest({ host: '127.0.0.1', port: 8000, modelName: 'base', hasChatTemplate: false, apiKey: undefined })
  expect(text).toContain('/v1/completions')
  expect(text).toContain('{"model":"base","prompt":"The sky is blue because","max_tokens":64}')
})
