// Owns the small requests around a measurement: is it up, what does it serve, what does it count.
import { makeError } from '@tandem/core'
import { benchErrors } from '../errors.js'

const requestMs = 5_000

/** The status, or undefined when nobody answers. */
export async function statusOf (url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(requestMs) })
    await response.arrayBuffer()
    return response.status
  } catch {
    return undefined
  }
}

/** Servers agree on /v1/models; where /health exists it also knows whether the model is loaded. */
export async function isServing (baseUrl: string): Promise<boolean> {
  const health = await statusOf(`${baseUrl}/health`)
  if (health === 200) return true
  return health === 404 && await statusOf(`${baseUrl}/v1/models`) === 200
}

/** Throws `server_unusable`. */
export async function getText (name: string, baseUrl: string, path: string): Promise<string> {
  const refuse = (reason: string, cause?: unknown) => makeError(benchErrors, 'server_unusable', { name, url: baseUrl, reason }, { cause })
  const response = await fetch(`${baseUrl}${path}`, { signal: AbortSignal.timeout(requestMs) }).catch((error: Error) => {
    throw refuse((error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message, error)
  })
  if (!response.ok) throw refuse(`HTTP ${response.status} from ${path}`)
  return await response.text()
}

/** Throws `server_unusable`. */
export async function firstModel (name: string, baseUrl: string): Promise<string> {
  const { data } = JSON.parse(await getText(name, baseUrl, '/v1/models')) as { data?: { id?: string }[] }
  const id = data?.[0]?.id
  if (id === undefined) throw makeError(benchErrors, 'server_unusable', { name, url: baseUrl, reason: 'it lists no model' })
  return id
}
