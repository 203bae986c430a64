import { expect, it } from 'vitest'
import { topLevelKeys } from '../../src/safetensors/json-keys.js'

it('lists keys as written, repeats included, and none of nested objects', () => {
  const text = '{ "a" : {"x": [1, {"y": "}"}]}, "a":"b:\\"c", "q\\"\\u0041" :[ "k" , 2], "":{} }'
  expect(topLevelKeys(text)).toEqual(['a', 'a', 'q"A', ''])
  expect(topLevelKeys('{}')).toEqual([])
})
