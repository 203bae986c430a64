import { expect, test } from 'vitest'
import { describeLogLine, parseLogLine } from '../../src/launcher/log-line.js'

test('a pino line keeps its level, message and facts', () => {
  const line = parseLogLine('{"level":50,"time":1,"pid":2,"hostname":"h","component":"c","layer_idx":3,"msg":"step failed"}')
  expect(line).toEqual({ level: 50, message: 'step failed', fields: { layer_idx: 3 }, isPlain: false })
  expect(describeLogLine(line)).toBe('step failed (layer_idx=3)')
})

test('facts that the message states are not repeated', () => {
  const line = { level: 60, msg: 'a KV cache of 10 bytes holds 0 tokens', code: 'kv_cache_too_small', kvCacheBytes: 10, numTokens: 0, workers: 1 }
  expect(describeLogLine(parseLogLine(JSON.stringify(line)))).toBe('a KV cache of 10 bytes holds 0 tokens (code=kv_cache_too_small workers=1)')
})

test('an error object gives its message once', () => {
  const text = (msg: string) => describeLogLine(parseLogLine(JSON.stringify({ level: 60, msg, err: { message: 'tensor missing', stack: 'at x' } })))
  expect(text('cannot load')).toBe('cannot load: tensor missing')
  expect(text('tensor missing')).toBe('tensor missing')
})

test.each(['Segmentation fault', '{broken', '{"no":"level"}'])('%s is kept as it is, as a warning', text => {
  expect(parseLogLine(text)).toEqual({ level: 40, message: text, fields: {}, isPlain: true })
})
