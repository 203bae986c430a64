import { expect, test } from 'vitest'
import { errorMessage, SseScanner } from '../../src/bench/sse-scanner.js'

function scan (chunks: readonly string[]): string[] {
  const seen: string[] = []
  const scanner = new SseScanner({
    onText: () => seen.push('text'),
    onUsage: (promptTokens, completionTokens) => seen.push(`usage ${promptTokens} ${completionTokens}`),
    onError: message => seen.push(`error ${message}`),
    onDone: () => seen.push('done')
  })
  for (const chunk of chunks) scanner.push(chunk)
  return seen
}

const events = [
  'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}',
  'data: {"choices":[{"delta":{"content":"a"}}]}',
  'data: {"choices":[{"delta":{"reasoning_content":"b"}}]}',
  'data: {"choices": [{"text": "\\n"}]}',
  'data: {"choices":[{"text":"","finish_reason":"stop"}],"usage":null}',
  ': comment',
  'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}',
  'data: [DONE]'
].join('\n\n') + '\n\n'

test('counts events with text, reads usage and the end', () => {
  expect(scan([events])).toEqual(['text', 'text', 'text', 'usage 7 3', 'done'])
})

test('any cut of the stream reads the same', () => {
  const whole = scan([events])
  for (let cut = 1; cut < events.length; cut++) expect(scan([events.slice(0, cut), events.slice(cut)])).toEqual(whole)
})

test('the word usage or [DONE] in a text is only text', () => {
  expect(scan(['data: {"choices":[{"text":"[DONE] \\"usage\\": {"}]}\n'])).toEqual(['text'])
})

test('an error event gives its message', () => {
  expect(scan(['data: {"error":{"message":"overloaded"}}\n'])).toEqual(['error overloaded'])
})

test.each([['{"error":{"message":"m"}}', 'm'], ['{"error":"e"}', 'e'], ['gateway down\n', 'gateway down']])('%s', (body, message) => {
  expect(errorMessage(body)).toBe(message)
})
