import { describe, expect, it } from 'vitest'
import { KeyReader, recordLookup } from '../../src/config/key-reader.js'
import { readTokenIds } from '../../src/config/token-ids.js'

const config = new KeyReader('c.json', recordLookup({ size: 3, half: 0.5, no: null, list: [1, 2], nested: { deep: 'x' }, big: 2n ** 60n, long: 'y'.repeat(200) }))

describe('KeyReader', () => {
  it('reads values of the right type, and fallbacks for absent ones and null', () => {
    expect(config.integer('size')).toBe(3)
    expect(config.number('half')).toBe(0.5)
    expect(config.integer('no', { fallback: 7 })).toBe(7)
    expect(config.integer('absent', { fallback: undefined })).toBeUndefined()
    expect(config.integerList('list', [])).toEqual([1, 2])
    expect(config.record('nested')?.string('deep')).toBe('x')
    expect(config.record('absent')).toBeUndefined()
    expect(config.has('constructor')).toBe(false)
  })

  it.each([
    [() => config.integer('half'), 'c.json: half must be a whole number from 1 to 67108864 (got 0.5)'],
    [() => config.integer('size', { max: 2 }), 'c.json: size must be a whole number from 1 to 2 (got 3)'],
    [() => config.integer('absent'), 'c.json: absent must be a whole number from 1 to 67108864 (got nothing)'],
    [() => config.number('list'), 'c.json: list must be a number (got [1,2])'],
    [() => config.number('size', { min: 4 }), 'c.json: size must be a number of at least 4 (got 3)'],
    [() => config.boolean('size', true), 'c.json: size must be true or false (got 3)'],
    [() => config.record('list'), 'c.json: list must be an object (got [1,2])'],
    [() => config.record('nested')?.integer('deep'), 'c.json: nested.deep must be a whole number from 1 to 67108864 (got "x")'],
    [() => config.integer('big'), 'c.json: big must be a whole number from 1 to 67108864 (got 1152921504606846976)'],
    [() => config.boolean('long', true), `c.json: long must be true or false (got "${'y'.repeat(79)}...)`]
  ])('names the key, the rule and the value (%#)', (read, message) => {
    expect(read).toThrow(message)
  })
})

describe('readTokenIds', () => {
  it('joins sources and drops null and -1', () => {
    const source = new KeyReader('c', recordLookup({ a: [4, null, 4], b: -1, c: 2 }))
    expect(readTokenIds([undefined, source], ['a', 'b', 'c', 'd'], 10)).toEqual([4, 2])
    expect(() => readTokenIds([source], ['a'], 4)).toThrow('c: a must be a token id below 4')
  })
})
