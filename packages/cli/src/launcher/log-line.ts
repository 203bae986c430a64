// Owns reading a service's log line (pino JSON) and writing it for a person. Anything that is not JSON is kept as it is:
// a crash report or a warning of Node itself.

export interface LogLine {
  /** pino's numbers: 30 info, 40 warn, 50 error, 60 fatal; lines that are not ours count as warnings. */
  readonly level: number
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Not a line of our log. */
  readonly isPlain: boolean
}

export const logLevels = { info: 30, warn: 40, error: 50, fatal: 60 } as const

const noise = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'component', 'v'])

export function parseLogLine (text: string): LogLine {
  const parsed = parseObject(text)
  if (parsed === undefined || typeof parsed['level'] !== 'number') return { level: logLevels.warn, message: text, fields: {}, isPlain: true }
  const fields = Object.fromEntries(Object.entries(parsed).filter(([key]) => !noise.has(key)))
  return { level: parsed['level'], message: String(parsed['msg'] ?? ''), fields, isPlain: false }
}

function parseObject (text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** `cannot load the model: tensor missing (tensor=blk.0.attn_q)`; facts that the message states are not repeated. */
export function describeLogLine (line: LogLine): string {
  const reason = errorMessage(line.fields['err']) ?? errorMessage(line.fields['error'])
  const message = reason === undefined || line.message.includes(reason) ? line.message : `${line.message}: ${reason}`
  const facts = Object.entries(line.fields)
    .filter(([key, value]) => key !== 'err' && key !== 'error' && value !== undefined && value !== null)
    .map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)] as const)
    .filter(([, value]) => !states(message, value))
    .map(([key, value]) => `${key}=${value}`)
  return facts.length === 0 ? message : `${message} (${facts.join(' ')})`
}

/** As words of its own: `1` is not in `worker 12`. */
function states (message: string, value: string): boolean {
  if (value === '') return false
  for (let at = message.indexOf(value); at >= 0; at = message.indexOf(value, at + 1)) {
    if (!/\w/.test(message[at - 1] ?? ' ') && !/\w/.test(message[at + value.length] ?? ' ')) return true
  }
  return false
}

function errorMessage (value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || !('message' in value)) return undefined
  return String(value.message)
}
