// Owns what the hub says is in a repository: the commit a revision stands for, and its files with sizes and checksums.
import { basename } from 'node:path'
import { hubError } from './errors.js'
import type { HubClient, HubRequest } from './hub-client.js'
import type { ModelId } from './model-id.js'

export interface Checksum {
  /** Large files have a SHA-256; small ones the SHA-1 of their git blob. */
  readonly algorithm: 'sha256' | 'git-sha1'
  /** Lower-case hex. */
  readonly hex: string
}

export interface RepositoryFile {
  /** In the repository, with slashes. */
  readonly path: string
  /** Last part of the path: the name it gets on disk. */
  readonly name: string
  readonly sizeBytes: number
  readonly checksum: Checksum
}

export interface Repository {
  /** Commit hash. Everything is downloaded from it, whatever the branch does meanwhile. */
  readonly commit: string
  readonly files: readonly RepositoryFile[]
}

const maxPages = 200
const maxFiles = 20_000

/** Asks for the commit of a revision and for all files in it. Throws as HubClient does, and `hub_response_invalid`. */
export async function readRepository (client: HubClient, model: ModelId, signal: AbortSignal): Promise<Repository> {
  const request = { model: model.id, revision: model.revision, file: 'the file list', isAboutModel: true, signal }
  const revisionUrl = client.urlOf(`api/models/${model.id}/revision/${encodeURIComponent(model.revision)}`)
  const { value } = await client.getJson({ ...request, url: revisionUrl })
  const commit = isRecord(value) ? value.sha : undefined
  if (typeof commit !== 'string' || !/^[0-9a-f]{40,64}$/.test(commit)) throw invalid(client, 'it names no commit')
  return { commit, files: await readTree(client, model, commit, request) }
}

async function readTree (client: HubClient, model: ModelId, commit: string, request: Omit<HubRequest, 'url'>): Promise<RepositoryFile[]> {
  const files: RepositoryFile[] = []
  let url: string | undefined = client.urlOf(`api/models/${model.id}/tree/${commit}?recursive=true`)
  for (let page = 0; url !== undefined; page++) {
    const { value, nextUrl } = await client.getJson({ ...request, url })
    if (!Array.isArray(value) || page >= maxPages || files.length + value.length > maxFiles) throw invalid(client, 'it is not a list of files of usual length')
    for (const entry of value) {
      const file = readFileEntry(client, entry)
      if (file !== undefined) files.push(file)
    }
    url = nextUrl
  }
  return files
}

/** undefined for directories. */
function readFileEntry (client: HubClient, entry: unknown): RepositoryFile | undefined {
  if (!isRecord(entry)) throw invalid(client, 'an entry is not an object')
  if (entry.type !== 'file') return undefined
  const { path, size, oid, lfs } = entry
  if (typeof path !== 'string' || path === '' || !isSize(size)) throw invalid(client, 'an entry has no path or size')
  const name = basename(path)
  // The name becomes a file on this machine.
  if (!/^[\w.][\w.+ -]*$/.test(name) || name === '..' || name === '.') throw invalid(client, `a file name is not usable: ${JSON.stringify(name)}`)
  const checksum = isRecord(lfs) ? { algorithm: 'sha256', hex: lfs.oid } as const : { algorithm: 'git-sha1', hex: oid } as const
  const { algorithm, hex } = checksum
  const hexLength = algorithm === 'sha256' ? 64 : 40
  if (typeof hex !== 'string' || hex.length !== hexLength || !/^[0-9a-f]+$/.test(hex)) throw invalid(client, `${path} has no checksum`)
  return { path, name, sizeBytes: isRecord(lfs) && isSize(lfs.size) ? lfs.size : size, checksum: { algorithm, hex } }
}

function invalid (client: HubClient, reason: string): Error {
  return hubError('hub_response_invalid', { host: client.host, file: 'the file list', reason })
}

function isSize (value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
