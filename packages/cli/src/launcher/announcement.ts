// Owns what `tandem up` prints when it serves: where, what, and a request that works as printed.
import { isLoopbackHost } from '@tandem/protocol'
import type { WorkerStatus__Output } from '@tandem/protocol'

export interface Announcement {
  readonly host: string
  readonly port: number
  readonly modelName: string
  /** A base model has none, and answers completions only. */
  readonly hasChatTemplate: boolean
  /** How the shell spells the key: a literal or a variable; undefined without one. */
  readonly apiKey: string | undefined
  readonly maxTokens: number
}

/** The first answer should come within seconds: the reference backend makes a few tokens a second. */
export function exampleMaxTokens (workers: readonly Backed[]): number {
  return workers.some(isReference) ? 16 : 64
}

type Backed = Pick<WorkerStatus__Output, 'backend' | 'backendReason'>

const isReference = ({ backend }: Backed): boolean => backend === 'reference'

/** What to do about workers that compute in TypeScript because the native engine is not there; undefined where nobody passed it over. */
export function backendAdvice (workers: readonly Backed[]): string | undefined {
  const passedOver = workers.filter(isReference).map(({ backendReason }) => /no cpu: ([^;]*)/.exec(backendReason)?.[1])
  const reason = passedOver.find(found => found !== undefined)
  if (reason === undefined) return undefined
  const remedy = reason.includes('compiler') ? 'install g++ or clang++, then run `npm run build:native`' : 'run `npm run build:native -- --verbose`'
  return `The reference backend is about 20 times slower than the native engine. It is used because ${reason}. To change that, ${remedy} and start again.`
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
    max_tokens: announcement.maxTokens
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
