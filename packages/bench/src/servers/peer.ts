// Owns servers to compare with: one that runs already (NAME=URL), or one started by a command (NAME=COMMAND with {port}).
import { findFreePort } from '@tandem/cli'
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'
import { ChildServer } from './child-server.js'
import { firstModel, isServing } from './http.js'
import type { Server } from './server.js'

export interface PeerUrl {
  readonly name: string
  readonly url: string
}

export interface PeerCommand {
  readonly name: string
  /** For the shell; `{port}` stands for the port it shall listen on. */
  readonly command: string
}

const localHost = '127.0.0.1'
const portPlace = '{port}'

/** `llama=http://127.0.0.1:8080`. Throws `usage`. */
export function parsePeerUrl (text: string): PeerUrl {
  const { name, value } = splitNamed('--peer', text)
  if (!URL.canParse(value) || !/^https?:/.test(value)) throw usage(`--peer ${text}: ${value} is not an http URL`)
  return { name, url: value.replace(/\/+$/, '').replace(/\/v1$/, '') }
}

/** `llama=llama-server -m model.gguf --port {port}`. Throws `usage`. */
export function parsePeerCommand (text: string): PeerCommand {
  const { name, value } = splitNamed('--peer-command', text)
  if (!value.includes(portPlace)) throw usage(`--peer-command ${text}: the command must contain ${portPlace}`)
  return { name, command: value }
}

/** Throws `usage` when two servers would share a column. */
export function requireDistinctNames (names: readonly string[]): void {
  const twice = names.find((name, idx) => names.indexOf(name) !== idx)
  if (twice !== undefined) throw usage(`two servers are called ${twice}`)
}

function splitNamed (flag: string, text: string): { name: string, value: string } {
  const at = text.indexOf('=')
  const name = text.slice(0, Math.max(at, 0))
  if (!/^[\w.-]+$/.test(name) || text.length === at + 1) throw usage(`${flag} ${text}: wanted NAME=VALUE`)
  return { name, value: text.slice(at + 1) }
}

function usage (reason: string): Error { return makeError(benchErrors, 'usage', { reason }) }

/** Throws `server_unusable`. */
export async function connectPeer ({ name, url }: PeerUrl): Promise<Server> {
  return { name, url, model: await firstModel(name, url), facts: { url }, stop: async () => {} }
}

export interface StartOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Throws what `waitUntilReady` throws; nothing is left running then. */
export async function startPeer ({ name, command }: PeerCommand, options: StartOptions): Promise<Server> {
  const port = await findFreePort(localHost, 0)
  const url = `http://${localHost}:${port}`
  const child = new ChildServer(name, {
    file: '/bin/sh', args: ['-c', `${command.replaceAll(portPlace, String(port))}`], env: options.env
  })
  try {
    await child.waitUntilReady({ probe: () => isServing(url), url, timeoutMs: options.timeoutMs, signal: options.signal })
    return { name, url, model: await firstModel(name, url), facts: { command }, stop: () => child.stop() }
  } catch (error) {
    await child.stop()
    throw error
  }
}
