import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import { advertisedHost } from '../src/advertised-host.js'

it('gives peers an address they can dial', () => {
  expect(advertisedHost('127.0.0.1', '')).toBe('127.0.0.1')
  expect(advertisedHost('0.0.0.0', '')).toBe(hostname())
  expect(advertisedHost('::', '')).toBe(hostname())
  expect(advertisedHost('0.0.0.0', 'ffn.example')).toBe('ffn.example')
})
