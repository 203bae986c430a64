// Owns what `tandem up` prints when it serves: where, what, and a request that works as printed.
import { isLoopbackHost } from '@tandem/protocol'

export interface Announcement {
  readonly host: string
  readonly port: number
  readonly modelName: string
  /** A base model has none, and answers completions only. */
  readonly hasChatTemplate: boolean
  /** How the shell spells the key: a literal or a variable; undefined without one. */
  readonly apiKey: string | undefined
}

/** The address a client on this machine uses: a wildcard address is reached through loopback. */
export function clientUrl (host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

export function exampleRequest (announcement: Announcement): string {
  const body = JSON.stringify({
    model: announcement.modelName,
    ...(announcement.hasChatTemplate ? { messages: [{ role: 'user', content: 'Why is the sky blue?' }] } : { prompt: 'The sky is blue because' }),
    max_tokens: 64
  })
  const path = announcement.hasChatTemplate ? 'chat/completions' : 'completions'
  const lines = [`curl ${clientUrl(announcement.host, announcement.port)}/v1/${path}`]
  if (announcement.apiKey !== undefined) lines.push(`-H "Authorization: Bearer ${announcement.apiKey}"`)
  lines.push("-H 'Content-Type: application/json'", `-d '${body.replaceAll("'", "'\\''")}'`)
  return lines.map((line, idx) => (idx === 0 ? line : `  ${line}`)).join(' \\\n')
}

export function reachability (host: string): string {
  return isLoopbackHost(host) ? 'this machine only' : 'every machine that can reach this one'
}
