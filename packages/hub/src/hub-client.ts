// Owns requests to the hub: address, token, redirects, and what a status means. The token goes to the endpoint's own origin only,
// and into no error. It stores nothing and retries nothing.
import { hubError, reasonOf } from './errors.js'
import { TransientFailure } from './retry.js'

export interface HubClientOptions {
  /** Base URL, for example https://huggingface.co; may have a path (mirrors). */
  readonly endpoint: string
  /** Empty for none. */
  readonly token: string
  readonly fetch: typeof fetch
}

export interface HubRequest {
  /** Below the endpoint, or an absolute URL the hub gave (a next page). */
  readonly url: string
  /** What is asked for, in messages: a file or "the file list". */
  readonly file: string
  /** Asks about the model as a whole: a 404 without a reason is not about one file. */
  readonly isAboutModel?: boolean
  readonly model: string
  readonly revision: string
  readonly signal: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

const maxRedirects = 8
const maxJsonBytes = 32 * 1024 * 1024
const transientStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

export class HubClient {
  readonly host: string
  readonly #base: string
  readonly #origin: string
  readonly #options: HubClientOptions

  /** Throws `hub_response_invalid` when the endpoint is not an http(s) URL. */
  constructor (options: HubClientOptions) {
    const url = URL.canParse(options.endpoint) ? new URL(options.endpoint) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw hubError('hub_response_invalid', { host: 'HF_ENDPOINT', file: 'its URL', reason: 'it is not an http or https URL' })
    }
    this.host = url.host
    this.#origin = url.origin
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
    this.#options = options
  }

  urlOf (path: string): string {
    return `${this.#base}/${path}`
  }

  /**
   * A response with status 200, 206 or 416. The caller consumes or cancels its body.
   * @throws TransientFailure for network errors, 408, 429 and 5xx; the typed errors of this package for the rest.
   */
  async get (request: HubRequest): Promise<Response> {
    let url = new URL(request.url)
    for (let numRedirects = 0; numRedirects <= maxRedirects; numRedirects++) {
      const response = await this.#fetchOnce(url, request)
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
      if (location === null) {
        if ([200, 206, 416].includes(response.status)) return response
        await response.body?.cancel()
        throw this.#failureOf(response, request, url.host)
      }
      await response.body?.cancel()
      url = this.#redirectTarget(url, location, request)
    }
    throw hubError('hub_redirect_refused', { host: this.host, file: request.file, reason: `more than ${maxRedirects} times` })
  }

  /** A JSON answer and the URL of the next page, if any. Throws as `get`, and `hub_response_invalid`. */
  async getJson (request: HubRequest): Promise<{ value: unknown, nextUrl: string | undefined }> {
    const response = await this.get(request)
    const invalid = (reason: string, cause?: unknown): Error => hubError('hub_response_invalid', { host: this.host, file: request.file, reason }, cause)
    const text = await response.text().catch((error: unknown) => { throw this.#unavailable(request, this.host, reasonOf(error), error) })
    if (text.length > maxJsonBytes) throw invalid(`more than ${maxJsonBytes} bytes`)
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    if (next !== undefined && (!URL.canParse(next) || new URL(next).origin !== this.#origin)) throw invalid('its next page is on another host')
    try {
      return { value: JSON.parse(text) as unknown, nextUrl: next }
    } catch (error) {
      throw invalid('it is not JSON', error)
    }
  }

  async #fetchOnce (url: URL, request: HubRequest): Promise<Response> {
    const { token } = this.#options
    const authorization = token !== '' && url.origin === this.#origin ? { authorization: `Bearer ${token}` } : {}
    const headers = { 'user-agent': 'tandem', ...request.headers, ...authorization }
    try {
      return await this.#options.fetch(url, { headers, redirect: 'manual', signal: request.signal })
    } catch (error) {
      if (request.signal.aborted) throw error
      throw this.#unavailable(request, url.host, reasonOf(error), error)
    }
  }

  #redirectTarget (from: URL, location: string, request: HubRequest): URL {
    const refused = (reason: string): Error => hubError('hub_redirect_refused', { host: from.host, file: request.file, reason })
    if (!URL.canParse(location, from.href)) throw refused('to something that is no URL')
    const target = new URL(location, from.href)
    if (!/^https?:$/.test(target.protocol)) throw refused(`to a ${target.protocol} URL`)
    if (from.protocol === 'https:' && target.protocol === 'http:') throw refused('from https to http')
    return target
  }

  /** The hub names its reason in x-error-code; a repository that may not be seen looks like one that is not there. */
  #failureOf (response: Response, request: HubRequest, host: string): Error {
    const { model, revision, file } = request
    const { status } = response
    if (transientStatuses.has(status)) return this.#unavailable(request, host, `HTTP ${status}`, undefined, retryAfterMs(response))
    switch (response.headers.get('x-error-code')) {
      case 'GatedRepo': return hubError('hub_gated', { model, host })
      case 'RevisionNotFound': return hubError('hub_revision_not_found', { model, revision, host })
      case 'EntryNotFound': return hubError('hub_file_not_found', { file, host })
      case 'RepoNotFound': return hubError('hub_model_not_found', { model, host })
    }
    if (status === 401) return this.#options.token === '' ? hubError('hub_model_not_found', { model, host }) : hubError('hub_unauthorized', { file, host })
    if (status === 403) return hubError('hub_forbidden', { file, host })
    if (status === 404) return request.isAboutModel === true ? hubError('hub_model_unknown', { model, host }) : hubError('hub_file_not_found', { file, host })
    return hubError('hub_response_invalid', { host, file, reason: `HTTP ${status}` })
  }

  #unavailable (request: HubRequest, host: string, reason: string, cause?: unknown, waitMs?: number): TransientFailure {
    return new TransientFailure(hubError('hub_unavailable', { host, file: request.file, reason }, cause), waitMs)
  }
}

/** Retry-After in seconds; its date form is left to the backoff. */
function retryAfterMs (response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}
