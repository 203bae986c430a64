#!/usr/bin/env node
// Owns the start of `npm run bench`: hands over to src/index.ts, which must be built.
import { runBenches } from '../dist/index.js'

process.exitCode = await runBenches(process.argv.slice(2), process.env)
