import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { systemReason } from '../../src/terminal/system-reason.js'

function thrownBy (action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}

it('says what the operating system means', () => {
  expect(systemReason(thrownBy(() => readFileSync('/nowhere/file')))).toBe('no such file or directory')
  expect(systemReason(Object.assign(new Error(), { code: 'ERR_OTHER' }))).toBe('ERR_OTHER')
  expect(systemReason(new Error())).toBe('unknown')
})
