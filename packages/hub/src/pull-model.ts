// Owns pulling a model: list, choose, skip what is here, download the rest a few at a time, record. Resumable at any point.
import { mkdir, rm, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { checksumOnDisk } from './checksums.js'
import { downloadFile } from './download-file.js'
import { hubError, reasonOf } from './errors.js'
import { HubClient } from './hub-client.js'
import { parseModelId } from './model-id.js'
import type { ModelId } from './model-id.js'
import { readPullManifest, writePullManifest } from './pull-manifest.js'
import type { PullManifest } from './pull-manifest.js'
import { readRepository } from './repository.js'
import type { Repository, RepositoryFile } from './repository.js'
import { defaultRetryPolicy, withRetries } from './retry.js'
import type { RetryPolicy } from './retry.js'
import { selectFiles } from './select-files.js'

export const defaultEndpoint = 'https://huggingface.co'

export interface PullProgress {
  /** The file that advanced. */
  readonly file: string
  /** Of all chosen files; what was here already counts as done. */
  readonly doneBytes: number
  readonly totalBytes: number
  readonly numFilesDone: number
  readonly numFiles: number
}

export interface PullOptions {
  /** Directory that gets the files; see `modelDirectoryOf`. Created when missing. */
  readonly destination: string
  /** Branch, tag or commit. */
  readonly revision?: string
  /** HF_ENDPOINT. */
  readonly endpoint?: string
  /** HF_TOKEN; sent to the endpoint only, never to where it redirects. */
  readonly token?: string
  /** Patterns (* and ?) that choose the weights, for repositories with several GGUF models. */
  readonly include?: readonly string[]
  /** Called on every chunk. */
  readonly onProgress?: (progress: PullProgress) => void
  readonly signal?: AbortSignal
  /** Files at a time, 1 to 8. */
  readonly parallelism?: number
  readonly fetch?: typeof fetch
  readonly retry?: RetryPolicy
}

export interface PulledModel {
  readonly directory: string
  readonly commit: string
  readonly files: readonly RepositoryFile[]
  /** Bytes that were not here already. */
  readonly downloadedBytes: number
}

/**
 * Downloads `id` (`OWNER/NAME`, or `OWNER/NAME@REVISION`): configuration, tokenizer and safetensors or GGUF weights, each verified against the
 * hub's checksum. Files are continued where an earlier pull stopped, and skipped when they are whole.
 * @throws the errors of errors.ts.
 */
export async function pullModel (id: string, options: PullOptions): Promise<PulledModel> {
  const model = options.revision === undefined ? parseModelId(id) : parseModelId(`${id}@${options.revision}`)
  const { destination, endpoint = defaultEndpoint, token = '', retry = defaultRetryPolicy } = options
  const client = new HubClient({ endpoint, token, fetch: options.fetch ?? fetch })
  const abort = new AbortController()
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal])
  const repository = await withRetries(retry, signal, () => readRepository(client, model, signal))
  const files = selectFiles(model.id, repository.files, options.include)
  await mkdir(destination, { recursive: true }).catch((error: unknown) => {
    throw hubError('hub_write_failed', { file: destination, reason: reasonOf(error) }, error)
  })
  const previous = await readPullManifest(destination)
  const missing = await missingFiles(destination, files, previous)
  await checkRoom(destination, missing)
  const progress = new ProgressTotals(files, missing, options.onProgress)
  // The largest first: the last one running decides how long the pull takes.
  const queue = missing.toSorted((a, b) => b.sizeBytes - a.sizeBytes)
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path } = file
      const url = client.urlOf(`${model.id}/resolve/${repository.commit}/${path.split('/').map(encodeURIComponent).join('/')}`)
      const request = { url, file: path, model: model.id, revision: model.revision, signal }
      await downloadFile(file, { client, directory: destination, request, retry, onBytes: bytes => progress.advance(path, bytes) })
      progress.finish(path)
    }
  }
  await runWorkers(worker, options.parallelism ?? 3, abort)
  await finish(destination, model, repository, files, previous)
  return { directory: destination, commit: repository.commit, files, downloadedBytes: missing.reduce((sum, file) => sum + file.sizeBytes, 0) }
}

/** Files that are absent or differ. One the last pull verified is believed by its size; any other one is read. */
async function missingFiles (directory: string, files: readonly RepositoryFile[], previous: PullManifest | undefined): Promise<RepositoryFile[]> {
  const missing: RepositoryFile[] = []
  for (const file of files) {
    const sizeBytes = await stat(join(directory, file.name)).then(stats => stats.size, () => -1)
    const isWhole = sizeBytes === file.sizeBytes &&
      (previous?.files[file.name] === file.checksum.hex || await checksumOnDisk(file, directory) === file.checksum.hex)
    if (!isWhole) missing.push(file)
  }
  return missing
}

/** Throws `hub_disk_full` before the first byte rather than after the last that fits. */
async function checkRoom (directory: string, missing: readonly RepositoryFile[]): Promise<void> {
  let neededBytes = 0
  for (const file of missing) {
    const partialBytes = await stat(join(directory, `${file.name}.partial`)).then(stats => stats.size, () => 0)
    neededBytes += Math.max(file.sizeBytes - partialBytes, 0)
  }
  const stats = await statfs(directory).catch(() => undefined)
  if (stats === undefined) return
  const availableBytes = stats.bavail * stats.bsize
  if (neededBytes > availableBytes) throw hubError('hub_disk_full', { file: basename(directory), neededBytes, availableBytes })
}

/** The first failure stops the others; all have ended when it is thrown. */
async function runWorkers (worker: () => Promise<void>, parallelism: number, abort: AbortController): Promise<void> {
  const numWorkers = Math.min(Math.max(Math.trunc(parallelism), 1), 8)
  let failure: unknown
  await Promise.all(Array.from({ length: numWorkers }, () => worker().catch((error: unknown) => {
    failure ??= error
    abort.abort()
  })))
  if (failure !== undefined) throw failure
}

/** Removes what the last pull brought and this one does not, then records this one. */
async function finish (
  directory: string, model: ModelId, repository: Repository, files: readonly RepositoryFile[], previous: PullManifest | undefined
): Promise<void> {
  const names = new Set(files.map(file => file.name))
  const stale = Object.keys(previous?.files ?? {}).filter(name => !names.has(name) && basename(name) === name)
  for (const name of stale) await rm(join(directory, name), { force: true })
  const checksums = Object.fromEntries(files.map(file => [file.name, file.checksum.hex]))
  await writePullManifest(directory, { model: model.id, revision: model.revision, commit: repository.commit, files: checksums })
}

class ProgressTotals {
  readonly #doneBytes = new Map<string, number>()
  readonly #totalBytes: number
  #doneTotal = 0
  #numFilesDone: number

  constructor (readonly files: readonly RepositoryFile[], missing: readonly RepositoryFile[], readonly report?: (progress: PullProgress) => void) {
    const isMissing = new Set(missing)
    this.#totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    for (const file of files) if (!isMissing.has(file)) this.#doneTotal += file.sizeBytes
    this.#numFilesDone = files.length - missing.length
  }

  advance (file: string, doneBytes: number): void {
    this.#doneTotal += doneBytes - (this.#doneBytes.get(file) ?? 0)
    this.#doneBytes.set(file, doneBytes)
    this.#report(file)
  }

  finish (file: string): void {
    this.#numFilesDone++
    this.#report(file)
  }

  #report (file: string): void {
    this.report?.({
      file, doneBytes: this.#doneTotal, totalBytes: this.#totalBytes, numFilesDone: this.#numFilesDone, numFiles: this.files.length
    })
  }
}
