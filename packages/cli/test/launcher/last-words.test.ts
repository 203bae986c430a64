import { expect, test } from 'vitest'
import { describeEnd, lastWords, RecentLines } from '../../src/launcher/last-words.js'
import { parseLogLine } from '../../src/launcher/log-line.js'

const error = '{"level":50,"msg":"a gateway left"}'
const fatal = '{"level":60,"msg":"scheduler failed","err":{"message":"no room"}}'
const warning = '{"level":40,"msg":"slow disk"}'

function words (signal: NodeJS.Signals | null, ...lines: string[]): string {
  return lastWords('scheduler', { code: signal === null ? 1 : null, signal, requested: false, lastLines: lines.map(parseLogLine) })
}

test.each([
  ['the last error', [fatal, error, warning], 'a gateway left'],
  ['a line of its main', [warning, 'tandem scheduler: the port is taken'], 'the port is taken'],
  ['a crash of Node', ['file:///main.js:3', 'TypeError: x is no function', '    at main.js', 'Node.js v20.20.0'], 'TypeError: x is no function'],
  ['anything written', ['Killed'], 'Killed'],
  ['no warning', [warning], 'it logged no error']
])('an exit code is explained by %s', (_, lines, expected) => {
  expect(words(null, ...lines)).toBe(expected)
})

test.each([
  ['no error that was logged', [error, warning, 'Killed'], 'killed by a signal'],
  ['a fatal line', [fatal], 'scheduler failed: no room'],
  ['V8 giving up', ['<--- Last few GCs --->', 'FATAL ERROR: Reached heap limit', ' 1: 0xb76db1'], 'FATAL ERROR: Reached heap limit'],
  ['a C++ exception', ["terminate called after throwing an instance of 'std::bad_alloc'", '  what():  std::bad_alloc'], 'what():  std::bad_alloc']
])('a signal is explained by %s', (_, lines, expected) => {
  expect(words('SIGABRT', ...lines)).toBe(expected)
})

test('only lines of the last seconds of the last run count', () => {
  const recent = new RecentLines()
  recent.push(parseLogLine(error), 0)
  recent.push(parseLogLine(fatal), 9_000)
  expect(recent.take(10_000).map(line => line.message)).toEqual(['scheduler failed'])
  expect(recent.take(10_000)).toEqual([])
})

test('how it ended', () => {
  const end = { code: null, signal: null, requested: false, lastLines: [] }
  expect([describeEnd(end), describeEnd({ ...end, code: 1 }), describeEnd({ ...end, signal: 'SIGKILL' })]).toEqual(['could not start', 'code 1', 'SIGKILL'])
})
