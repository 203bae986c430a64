import { describe, expect, it } from 'vitest'
import { createStopMatcher } from '../src/stop-strings.js'

function run (stops: readonly string[], pieces: readonly string[], include = false) {
  const matcher = createStopMatcher(stops, { include })
  const shown: string[] = []
  for (const piece of pieces) {
    const { text, stop } = matcher.push(piece)
    shown.push(text)
    if (stop !== undefined) return { shown, stop }
  }
  shown.push(matcher.end())
  return { shown, stop: undefined }
}

/** What the matcher must do, said plainly: find the first end of any stop string in the whole text. */
function expected (stops: readonly string[], text: string) {
  for (let end = 1; end <= text.length; end++) {
    const stop = stops.filter(candidate => text.slice(0, end).endsWith(candidate)).sort((a, b) => b.length - a.length)[0]
    if (stop !== undefined) return { text: text.slice(0, end - stop.length), stop }
  }
  return { text, stop: undefined }
}

describe('stop strings', () => {
  it('passes text through when there are none', () => {
    expect(run([], ['a', 'b'])).toEqual({ shown: ['a', 'b', ''], stop: undefined })
  })

  it('finds a stop string inside one piece and across pieces', () => {
    expect(run(['END'], ['one END two'])).toEqual({ shown: ['one '], stop: 'END' })
    expect(run(['END'], ['one E', 'N', 'D two'])).toEqual({ shown: ['one ', '', ''], stop: 'END' })
  })

  it('holds back only what may become a stop string, and lets it go', () => {
    expect(run(['abab'], ['xab', 'a', 'c'])).toEqual({ shown: ['x', '', 'abac', ''], stop: undefined })
    expect(run(['abab'], ['xaba'])).toEqual({ shown: ['x', 'aba'], stop: undefined })
  })

  it('keeps a shorter prefix when a longer one fails', () => {
    expect(run(['aab'], ['aaa', 'b'])).toEqual({ shown: ['a', ''], stop: 'aab' })
  })

  it('includes the stop string when asked', () => {
    expect(run(['\n\n'], ['a\n', '\nb'], true)).toEqual({ shown: ['a', '\n\n'], stop: '\n\n' })
  })

  it('prefers the match that ends first, then the longest', () => {
    expect(run(['world', 'o w'], ['hello world'])).toEqual({ shown: ['hell'], stop: 'o w' })
    expect(run(['lo', 'hello'], ['hello'])).toEqual({ shown: [''], stop: 'hello' })
  })

  it('agrees with a plain search, however the text is cut', () => {
    const stopSets = [['ab'], ['aa', 'aba'], ['abc', 'bca', 'c'], ['aabaa'], ['👩‍👩‍👧‍👦', 'b']]
    const texts = ['abcabcaabaabab', 'aabaabaaabaa', 'caaaabaac', 'a👩‍👩‍👧a👩‍👩‍👧‍👦b', '']
    for (const stops of stopSets) {
      for (const text of texts) {
        for (const size of [1, 2, 3, 100]) {
          const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size))
          const { shown, stop } = run(stops, pieces)
          expect({ text: shown.join(''), stop }).toEqual(expected(stops, text))
        }
      }
    }
  })
})
