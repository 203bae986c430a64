#!/usr/bin/env node
// Owns the start of the `tandem` command: builds when nothing is built yet, then hands over to src/index.ts.
import { build, isBuilt } from './build.mjs'

if (isBuilt() || build()) {
  const { runCommandLine } = await import('../dist/index.js')
  process.exitCode = await runCommandLine(process.argv.slice(2), process.env)
} else {
  process.exitCode = 1
}
