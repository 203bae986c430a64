#!/usr/bin/env node
// Owns `npm start`: build if needed, then `tandem up` with the flags given after `--`.
import { build } from './build.mjs'

if (build()) {
  const { runCommandLine } = await import('../dist/index.js')
  process.exitCode = await runCommandLine(['up', ...process.argv.slice(2)], process.env)
} else {
  process.exitCode = 1
}
