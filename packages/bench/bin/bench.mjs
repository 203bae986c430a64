#!/usr/bin/env node
// Owns the start of `npm run bench`: hands over to the built package.
import { runBenches } from '@tandem/bench'

process.exitCode = await runBenches(process.argv.slice(2), process.env)
