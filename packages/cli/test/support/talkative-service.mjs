// Stands in for a service whose logger insists: at its end it writes until somebody takes it, and gives up with code 9.
import { writeSync } from 'node:fs'

const numAttempts = 50

process.on('exit', () => {
  for (let attempt = 0; attempt < numAttempts; attempt++) {
    try {
      writeSync(1, '{"level":30,"msg":"last words"}\n')
      return
    } catch {}
  }
  process.exitCode = 9
})
process.on('SIGTERM', () => process.exit(0))
setInterval(() => {}, 1000)
process.stdout.write('started\n')
