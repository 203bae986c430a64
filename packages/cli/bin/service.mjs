#!/usr/bin/env node
// Owns how `tandem up` runs a service: its main.js, ended when the launcher is gone. The launcher keeps an IPC
// channel open and never writes to it; when it closes, the parent has died, however it died. The service
// sees a SIGTERM, the one signal it has to know.
import { pathToFileURL } from 'node:url'

const forcedExitMs = 10_000
const [entry, title] = process.argv.slice(2)
if (title !== undefined) process.title = `tandem ${title}`

process.once('disconnect', () => {
  setTimeout(() => process.exit(1), forcedExitMs).unref()
  process.kill(process.pid, 'SIGTERM')
})
process.channel?.unref()

await import(pathToFileURL(entry).href)
