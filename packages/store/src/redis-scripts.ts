// Owns loading of the Lua files (one per multi-key change) and calling them by hash, sending the text only when the
// server does not know it yet. The files lie beside src/ and dist/, so both find them at the same place.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

const scriptNames = [
  'register-worker', 'renew-worker', 'remove-worker', 'prune-workers', 'update-placement', 'advance-epoch'
] as const
export type ScriptName = typeof scriptNames[number]

interface Script {
  readonly text: string
  readonly sha1: string
}

export class RedisScripts {
  readonly #scripts: ReadonlyMap<ScriptName, Script>

  constructor (readonly redis: Redis) {
    this.#scripts = new Map(scriptNames.map(name => [name, loadScript(name)]))
  }

  async run (name: ScriptName, keys: readonly string[], args: ReadonlyArray<string | number>): Promise<unknown> {
    const { sha1, text } = this.#scripts.get(name)!
    try {
      return await this.redis.evalsha(sha1, keys.length, ...keys, ...args)
    } catch (error) {
      // The server restarted or its script cache was flushed.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await this.redis.eval(text, keys.length, ...keys, ...args)
    }
  }
}

function loadScript (name: ScriptName): Script {
  const text = readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8')
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}
