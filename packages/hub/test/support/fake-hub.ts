// Owns a hub on loopback for tests: the API's file list, `resolve` URLs that redirect large files to a second origin, and faults on demand.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenRequest { readonly server: 'hub' | 'cdn', readonly path: string, readonly range: string | undefined, readonly authorization: string | undefined }

/** Answers a request instead of the hub; returns false to leave it to the hub. */
export type Fault = (request: SeenRequest, response: ServerResponse) => boolean

export interface FakeHub {
  readonly endpoint: string
  readonly cdnOrigin: string
  readonly seen: SeenRequest[]
  /** Content by path; may be changed during a test. */
  readonly files: Map<string, Buffer>
  /** Paths whose content lies behind a redirect to the other origin, with a SHA-256. */
  readonly large: Set<string>
  fault: Fault | undefined
  /** Entries of the file list per page. */
  pageSize: number
}

export const commit = 'c0ffee'.padEnd(40, '0')

export async function startFakeHub (files: Readonly<Record<string, Buffer | string>>, large: readonly string[] = []): Promise<FakeHub> {
  const hub: { -readonly [Key in keyof FakeHub]: FakeHub[Key] } = {
    endpoint: '',
    cdnOrigin: '',
    seen: [],
    files: new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])),
    large: new Set(large),
    fault: undefined,
    pageSize: 1_000
  }
  const handle = (server: 'hub' | 'cdn') => (request: IncomingMessage, response: ServerResponse): void => {
    const { range, authorization } = request.headers
    const seen = { server, path: request.url ?? '', range, authorization }
    hub.seen.push(seen)
    if (hub.fault?.(seen, response)) return
    if (server === 'cdn') { sendContent(hub, decodeURIComponent(seen.path.slice(1).split('?')[0] ?? ''), range, response); return }
    answer(hub, seen, response)
  }
  hub.endpoint = await listen(createServer(handle('hub')))
  hub.cdnOrigin = await listen(createServer(handle('cdn')))
  return hub
}

async function listen (server: Server): Promise<string> {
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  onTestFinished(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function answer (hub: FakeHub, { path, range }: SeenRequest, response: ServerResponse): void {
  const url = new URL(path, hub.endpoint)
  if (url.pathname.includes('/revision/')) {
    if (!url.pathname.endsWith('/main')) { response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end(); return }
    response.end(JSON.stringify({ sha: commit }))
    return
  }
  if (url.pathname.includes('/tree/')) { sendTree(hub, url, response); return }
  const file = decodeURIComponent(url.pathname.split(`/resolve/${commit}/`)[1] ?? '')
  if (hub.large.has(file)) { response.writeHead(302, { location: `${hub.cdnOrigin}/${encodeURIComponent(file)}?signature=SECRET` }).end(); return }
  sendContent(hub, file, range, response)
}

function sendTree (hub: FakeHub, url: URL, response: ServerResponse): void {
  const page = Number(url.searchParams.get('cursor') ?? 0)
  const entries = [...hub.files].map(([path, content]) => treeEntry(path, content, hub.large.has(path)))
  const end = (page + 1) * hub.pageSize
  if (end < entries.length) {
    url.searchParams.set('cursor', String(page + 1))
    response.setHeader('link', `<${url.href}>; rel="next"`)
  }
  response.end(JSON.stringify([{ type: 'directory', path: 'onnx', size: 0, oid: 'x' }, ...entries.slice(page * hub.pageSize, end)]))
}

function treeEntry (path: string, content: Buffer, isLarge: boolean): unknown {
  const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
  if (!isLarge) return { type: 'file', path, size: content.length, oid }
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { type: 'file', path, size: content.length, oid, lfs: { oid: sha256, size: content.length, pointerSize: 130 } }
}

function sendContent (hub: FakeHub, file: string, range: string | undefined, response: ServerResponse): void {
  const content = hub.files.get(file)
  if (content === undefined) { response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end(); return }
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? NaN)
  if (Number.isNaN(start)) { response.end(content); return }
  if (start >= content.length) { response.writeHead(416).end(); return }
  response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }).end(content.subarray(start))
}

/** Sends the first part of a content and breaks the connection once the client has reported bytes of it. */
export class Breaker {
  numBroken = 0
  #response: ServerResponse | undefined

  constructor (readonly content: Buffer) {}

  send (response: ServerResponse): true {
    response.writeHead(200, { 'content-length': this.content.length })
    response.write(this.content.subarray(0, this.content.length / 3))
    this.#response = response
    return true
  }

  /** The bytes of small files alone stay below the limit. */
  readonly onProgress = ({ doneBytes }: { readonly doneBytes: number }): void => {
    if (doneBytes < 1_000 || this.#response === undefined) return
    this.#response.destroy()
    this.#response = undefined
    this.numBroken++
  }
}
