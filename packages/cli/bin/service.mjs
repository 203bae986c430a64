#!/usr/bin/env node
// Owns how `tandem up` runs a service: its main.js, ended when the launcher is gone. The launcher keeps an IPC
// channel open and never writes to it; when it closes, the parent has died, however it died. The service
// sees a SIGTERM, the one signal it has to know.
import { closeSync, openSync, writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const forcedExitMs = 10_000
const [entry, title] = process.argv.slice(2)
if (title !== undefined) process.title = `tandem ${title}`

process.once('disconnect', () => {
  replaceBrokenOutputs()
  setTimeout(() => process.exit(1), forcedExitMs).unref()
  process.kill(process.pid, 'SIGTERM')
})
process.channel?.unref()
// The logger's own exit handler writes what is left and tries again forever when nobody reads; ours runs before it.
process.once('exit', replaceBrokenOutputs)

await import(pathToFileURL(entry).href)

/** Output that went to a launcher that is gone goes nowhere instead. An empty line tells; the launcher skips those. */
function replaceBrokenOutputs () {
  for (const fd of [1, 2]) {
    try {
      writeSync(fd, '\n')
    } catch (error) {
      if (error.code !== 'EPIPE') continue
      closeSync(fd)
      // The lowest free number is given out: the one just closed.
      openSync('/dev/null', 'w')
    }
  }
}
