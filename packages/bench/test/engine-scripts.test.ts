import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { engineScriptsFolder, findEngineScript, headComment, listEngineScripts, runEngineScript } from '../src/engine-scripts.js'

const folder = mkdtempSync(join(tmpdir(), 'tandem-test-'))
afterAll(() => { rmSync(folder, { recursive: true }) })
for (const name of ['hop.mjs', 'engine-decode.mjs', 'kernels-a.mjs', 'kernels-b.mjs', 'notes.txt']) {
  writeFileSync(join(folder, name), `// Measures ${name}.\n//   flags\nprocess.exitCode = Number(process.argv[2] ?? 0)\n`)
}
const scripts = listEngineScripts(folder)

test('every script of the folder is a bench, explained by its own head', () => {
  expect(scripts.map(script => script.name)).toEqual(['engine-decode', 'hop', 'kernels-a', 'kernels-b'])
  expect(scripts[1]?.help).toBe('Measures hop.mjs.\n  flags')
  expect(headComment('#!/usr/bin/env node\n// One.\n\n// Two.\n')).toBe('One.')
})

test('a script is found by its name or its first word, if that is enough', () => {
  expect(findEngineScript('hop', scripts)?.name).toBe('hop')
  expect(findEngineScript('engine', scripts)?.name).toBe('engine-decode')
  expect(findEngineScript('kernels-b', scripts)?.name).toBe('kernels-b')
  expect(findEngineScript('kern', scripts)).toBeUndefined()
  expect(() => findEngineScript('kernels', scripts)).toThrow('kernels is one of kernels-a, kernels-b: name one')
})

test('a script that fails says how it ended', async () => {
  await runEngineScript(scripts[1]!, ['0'], {})
  await expect(runEngineScript(scripts[1]!, ['7'], {})).rejects.toMatchObject({ code: 'script_failed', message: 'hop ended with code 7' })
})

test('the scripts of this checkout explain themselves', () => {
  const found = listEngineScripts(engineScriptsFolder)
  expect(found.map(script => script.name)).toContain('engine-decode')
  expect(found.filter(script => script.help === '')).toEqual([])
})
