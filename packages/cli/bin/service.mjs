#!/usr/bin/env node
// Owns how `tandem up` runs a service: its main.js, ended when the launcher is gone. The launcher keeps an IPC
// channel open and never writes to it; when it closes, the parent has died, however it died. The service
// sees a SIGTERM, the one signal it has to know.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { pathToFileURL } from 'node:url'

const forcedEndMs = 5_000
const [entry, title] = process.argv.slice(2)
if (title !== undefined) process.title = `tandem ${title}`

process.once('disconnect', () => {
  // Not process.exit: it would wait for native threads in the middle of a step.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), forcedEndMs).unref()
  process.kill(process.pid, 'SIGTERM')
})
process.channel?.unref()
forgiveLostReader()

await import(pathToFileURL(entry).href)

/**
 * Output for a launcher that is gone counts as written. Pino's flushSync (fatal lines, exit) tries again forever on EPIPE and
 * blocks the only thread, so that not even the handler above would run.
 */
function forgiveLostReader () {
  const { writeSync } = fs
  fs.writeSync = (fd, data, ...position) => {
    try {
      return writeSync(fd, data, ...position)
    } catch (error) {
      if (error.code !== 'EPIPE' || (fd !== 1 && fd !== 2)) throw error
      return Buffer.byteLength(data)
    }
  }
  syncBuiltinESMExports()
}
