#!/usr/bin/env node
// Owns building: TypeScript with the native compiler, then the native addon where a compiler is there.
// Plain JavaScript without imports of ours: it runs before anything is built.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const compiler = fileURLToPath(new URL('node_modules/typescript-native/bin/tsc', pathToFileURL(root)))
const entry = fileURLToPath(new URL('packages/cli/dist/index.js', pathToFileURL(root)))
const nativeScript = fileURLToPath(new URL('packages/engine/scripts/build-native.mjs', pathToFileURL(root)))

/** True where `tandem` can run at all; an installed image carries dist/ and no compiler. */
export function isBuilt () {
  return existsSync(entry)
}

/** Brings dist/ up to date; the compiler itself skips what is current. Returns false after one clear message. */
export function build () {
  if (!existsSync(compiler)) return isBuilt() || fail('dependencies are missing: run `npm ci` first')
  const startedAt = Date.now()
  const firstTime = !isBuilt()
  if (firstTime) process.stderr.write('tandem: compiling TypeScript ... ')
  const run = spawnSync(process.execPath, [compiler, '-b'], { cwd: root, encoding: 'utf8' })
  if (firstTime) process.stderr.write(run.status === 0 ? `done in ${seconds(startedAt)}\n` : 'failed\n')
  if (run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}`)
    return fail('the TypeScript sources do not compile (see above)')
  }
  buildNative()
  return true
}

/** The addon is optional: whatever happens here, the reference backend serves. */
function buildNative () {
  if (!existsSync(nativeScript)) return
  const run = spawnSync(process.execPath, [nativeScript], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (run.status !== 0) process.stderr.write('tandem: the native addon was not built; the reference backend is used\n')
}

function fail (reason) {
  process.stderr.write(`tandem: ${reason}\n`)
  return false
}

function seconds (startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = build() ? 0 : 1
