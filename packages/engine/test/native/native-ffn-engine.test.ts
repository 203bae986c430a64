import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeSocketsOfTheDead } from '../../src/native/native-ffn-engine.js'

it('removes control sockets of processes that are gone, and nothing else', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tandem-test-'))
  const { pid: dead } = spawnSync(process.execPath, ['--version'])
  const kept = [`tandem-${process.pid}-01234567.sock`, `tandem-${dead}-notes.sock`, 'other.sock']
  for (const name of [...kept, `tandem-${dead}-89abcdef.sock`]) writeFileSync(join(directory, name), '')
  removeSocketsOfTheDead(directory)
  expect(readdirSync(directory).sort()).toEqual([...kept].sort())
  rmSync(directory, { recursive: true })
})
