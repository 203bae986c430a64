import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadAddon } from '../../src/native/load-addon.js'

let directory: string
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'tandem-addon-')) })
afterEach(() => { rmSync(directory, { recursive: true }) })

const load = () => loadAddon('tandem_native', pathToFileURL(`${directory}/`))

test('says that nothing was built', () => {
  expect(load()).toMatchObject({ loaded: false, reason: expect.stringContaining('never built') })
})

test('repeats what the build said', () => {
  mkdirSync(join(directory, 'build'))
  writeFileSync(join(directory, 'build/status.json'), JSON.stringify({ built: false, reason: 'no C++ compiler was found', compiler: null }))
  expect(load()).toEqual({ loaded: false, reason: 'the native engine was not built: no C++ compiler was found' })
})

test('says why a file does not load', () => {
  mkdirSync(join(directory, 'build/Release'), { recursive: true })
  writeFileSync(join(directory, 'build/Release/tandem_native.node'), 'not a library')
  expect(load()).toMatchObject({ loaded: false, reason: expect.stringContaining('does not load') })
})
