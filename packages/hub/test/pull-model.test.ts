import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelDirectoryOf } from '../src/model-id.js'
import { pullModel } from '../src/pull-model.js'
import type { PulledModel, PullOptions, PullProgress } from '../src/pull-model.js'
import { resolveModel } from '../src/resolve-model.js'
import type { RetryPolicy } from '../src/retry.js'
import { Breaker, commit, startFakeHub } from './support/fake-hub.js'
import type { FakeHub } from './support/fake-hub.js'
import { temporaryDirectory } from './support/temporary-directory.js'

const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i * 7919 & 0xff))
const weightsName = 'model.safetensors'
const repository = {
  'config.json': '{}', 'tokenizer.json': '{"a":1}', 'README.md': 'hello', 'pytorch_model.bin': 'old', 'onnx/model.onnx': 'x', [weightsName]: weights
}

/** No waiting; records the delays that were asked for. */
function instantRetry (delays: number[] = []): RetryPolicy {
  return { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 5_000, random: () => 1, sleep: async delayMs => { delays.push(delayMs) } }
}

/** toEqual would compare byte by byte in JavaScript. */
async function expectWeights (directory: string): Promise<void> {
  expect(weights.equals(await readFile(join(directory, weightsName)))).toBe(true)
}

interface SetUp { readonly hub: FakeHub, readonly destination: string, readonly pull: (more?: Partial<PullOptions>) => Promise<PulledModel> }

async function setUp (options: Partial<PullOptions> = {}): Promise<SetUp> {
  const hub = await startFakeHub(repository, [weightsName])
  const destination = join(await temporaryDirectory(), 'owner', 'name')
  const pull = (more: Partial<PullOptions> = {}): Promise<PulledModel> =>
    pullModel('owner/name', { destination, endpoint: hub.endpoint, token: 'hf_secret', retry: instantRetry(), ...options, ...more })
  return { hub, destination, pull }
}

describe('a pull', () => {
  it('brings what serving needs, verified, and reports progress', async () => {
    const { destination, pull } = await setUp()
    const reports: PullProgress[] = []
    const { commit: pulledCommit, downloadedBytes } = await pull({ onProgress: report => reports.push(report) })
    expect(pulledCommit).toBe(commit)
    expect((await readdir(destination)).sort()).toEqual(['.tandem-pull.json', 'config.json', weightsName, 'tokenizer.json'])
    await expectWeights(destination)
    expect(downloadedBytes).toBe(weights.length + 2 + 7)
    expect(reports.at(-1)).toMatchObject({ doneBytes: downloadedBytes, totalBytes: downloadedBytes, numFilesDone: 3, numFiles: 3 })
    expect(reports.every((report, i) => report.doneBytes >= (reports[i - 1]?.doneBytes ?? 0))).toBe(true)
  })

  it('skips what is whole, and fetches again what is not', async () => {
    const { hub, destination, pull } = await setUp()
    await pull()
    hub.seen.length = 0
    expect((await pull()).downloadedBytes).toBe(0)
    expect(hub.seen.every(({ path }) => path.startsWith('/api/'))).toBe(true)

    await writeFile(join(destination, weightsName), 'cut')
    expect((await pull()).downloadedBytes).toBe(weights.length)
    await expectWeights(destination)
  })

  it('believes files it did not record only after reading them', async () => {
    const { destination, pull } = await setUp()
    await pull()
    await writeFile(join(destination, '.tandem-pull.json'), '{')
    await writeFile(join(destination, weightsName), Buffer.alloc(weights.length))
    expect((await pull()).downloadedBytes).toBe(weights.length)
  })

  it('sends the token to the endpoint only, and redirects elsewhere without it', async () => {
    const { hub, pull } = await setUp()
    await pull()
    const withToken = (server: string): unknown[] => hub.seen.filter(request => request.server === server).map(request => request.authorization)
    expect(withToken('hub').length).toBeGreaterThan(3)
    expect(new Set(withToken('hub'))).toEqual(new Set(['Bearer hf_secret']))
    expect(new Set(withToken('cdn'))).toEqual(new Set([undefined]))
  })

  it('reads every page of the file list, behind an endpoint with a path', async () => {
    const { hub, pull } = await setUp()
    hub.pageSize = 1
    const { files } = await pull({ endpoint: `${hub.endpoint}/mirror/` })
    expect(files.map(file => file.name).sort()).toEqual(['config.json', weightsName, 'tokenizer.json'])
    expect(hub.seen.every(({ server, path }) => server === 'cdn' || path.startsWith('/mirror/'))).toBe(true)
  })

  it('removes files that the pulled commit no longer has', async () => {
    const { hub, destination, pull } = await setUp()
    await pull()
    hub.files.delete('tokenizer.json')
    await pull()
    expect(await readdir(destination)).not.toContain('tokenizer.json')
  })
})

describe('an interrupted download', () => {
  it('goes on where the connection broke', async () => {
    const { hub, destination, pull } = await setUp()
    const breaker = new Breaker(weights)
    hub.fault = ({ server, range }, response) => server === 'cdn' && range === undefined && breaker.send(response)
    await pull({ onProgress: breaker.onProgress })
    expect(breaker.numBroken).toBe(1)
    expect(hub.seen.filter(request => request.server === 'cdn').map(request => request.range)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)])
    await expectWeights(destination)
  })

  it('goes on in a later pull, with the rest only', async () => {
    const { hub, destination, pull } = await setUp({ retry: { ...instantRetry(), maxAttempts: 1 } })
    const breaker = new Breaker(weights)
    hub.fault = ({ server }, response) => server === 'cdn' && breaker.send(response)
    await expect(pull({ onProgress: breaker.onProgress })).rejects.toMatchObject({ code: 'hub_unavailable' })
    const partialBytes = (await stat(join(destination, `${weightsName}.partial`))).size
    expect(partialBytes).toBeGreaterThan(0)
    await expect(resolveModel('owner/name', { modelsDirectory: join(destination, '../..') })).rejects.toMatchObject({ code: 'hub_model_not_pulled' })

    hub.fault = undefined
    hub.seen.length = 0
    await pull()
    expect(hub.seen.find(request => request.server === 'cdn')?.range).toBe(`bytes=${partialBytes}-`)
    await expectWeights(destination)
  })

  it('starts over when the server ignores the range or the part is another file\'s', async () => {
    const { hub, destination, pull } = await setUp()
    await pull()
    await writeFile(join(destination, weightsName), '')
    await writeFile(join(destination, `${weightsName}.partial`), weights.subarray(0, 1000))
    hub.fault = ({ server }, response) => {
      if (server === 'cdn') response.end(weights)
      return server === 'cdn'
    }
    await pull()
    await expectWeights(destination)

    hub.fault = undefined
    await writeFile(join(destination, weightsName), '')
    await writeFile(join(destination, `${weightsName}.partial`), Buffer.alloc(1000, 1))
    await pull()
    await expectWeights(destination)

    await writeFile(join(destination, weightsName), '')
    await writeFile(join(destination, `${weightsName}.partial`), Buffer.alloc(weights.length + 5))
    await pull()
    await expectWeights(destination)
  })

  it('waits longer each time, as long as the server says, and gives up without progress', async () => {
    const delays: number[] = []
    const { hub, pull } = await setUp({ retry: instantRetry(delays) })
    let failures = 0
    hub.fault = ({ path }, response) => {
      if (!path.includes('/tree/')) return false
      failures++
      response.writeHead(failures === 2 ? 429 : 503, failures === 2 ? { 'retry-after': '3' } : {}).end()
      return true
    }
    await expect(pull()).rejects.toMatchObject({ code: 'hub_unavailable', facts: { reason: 'HTTP 503' } })
    expect(delays).toEqual([100, 3_000])
  })

  it('stops when the caller aborts', async () => {
    const { hub, pull } = await setUp()
    const abort = new AbortController()
    hub.fault = ({ server }) => {
      if (server === 'cdn') abort.abort(new Error('enough'))
      return server === 'cdn'
    }
    await expect(pull({ signal: abort.signal })).rejects.toThrow('enough')
  })
})

describe('a refusal', () => {
  it('of content with another checksum leaves nothing behind', async () => {
    const { hub, destination, pull } = await setUp()
    hub.fault = ({ server }, response) => {
      if (server === 'cdn') response.end(Buffer.alloc(weights.length, 3))
      return server === 'cdn'
    }
    await expect(pull()).rejects.toMatchObject({ code: 'hub_checksum_mismatch', facts: { file: weightsName, algorithm: 'sha256' } })
    expect((await readdir(destination)).filter(name => name.startsWith(weightsName))).toEqual([])
  })

  it.each([
    [401, 'RepoNotFound', 'hub_model_not_found', /owner\/name does not exist on 127.0.0.1:\d+, or is private and needs a token/],
    [403, 'GatedRepo', 'hub_gated', /gated: accept its terms/],
    [401, undefined, 'hub_unauthorized', /refused the token/],
    [403, undefined, 'hub_forbidden', /forbids/],
    [404, 'RevisionNotFound', 'hub_revision_not_found', /no revision main/],
    [404, undefined, 'hub_model_unknown', /knows no model owner\/name: check the id, and that HF_ENDPOINT/],
    [418, undefined, 'hub_response_invalid', /HTTP 418/]
  ])('says what status %d with code %s means, without the token', async (status, errorCode, code, message) => {
    const { hub, pull } = await setUp()
    hub.fault = (_, response) => {
      response.writeHead(status, errorCode === undefined ? {} : { 'x-error-code': errorCode }).end('hf_secret')
      return true
    }
    const failure: unknown = await pull().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(JSON.stringify(failure)).not.toContain('hf_secret')
  })

  it('takes 401 without a token as a model that is not there', async () => {
    const { hub, pull } = await setUp()
    hub.fault = (_, response) => { response.writeHead(401).end(); return true }
    await expect(pull({ token: '' })).rejects.toMatchObject({ code: 'hub_model_not_found' })
    expect(hub.seen.map(request => request.authorization)).toEqual([undefined])
  })

  it('names no signed link', async () => {
    const { hub, pull } = await setUp()
    hub.fault = ({ server }, response) => {
      if (server === 'cdn') response.writeHead(403).end()
      return server === 'cdn'
    }
    const failure: unknown = await pull().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'hub_forbidden' })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('SECRET')
  })

  it.each([
    ['a loop', '/again', /more than 8 times/],
    ['another protocol', 'file:///etc/passwd', /to a file: URL/]
  ])('of redirects to %s', async (_, location, message) => {
    const { hub, pull } = await setUp()
    hub.fault = (__, response) => { response.writeHead(302, { location }).end(); return true }
    await expect(pull()).rejects.toThrow(message)
  })

  it.each<[string, unknown]>([
    ['no list', {}],
    ['an entry without a size', [{ type: 'file', path: 'config.json', oid: 'a'.repeat(40) }]],
    ['an entry without a checksum', [{ type: 'file', path: 'config.json', size: 1, oid: 'zz' }]],
    ['a name that leaves the directory', [{ type: 'file', path: 'a/..', size: 1, oid: 'a'.repeat(40) }]],
    ['a name of another system', [{ type: 'file', path: '..\\x', size: 1, oid: 'a'.repeat(40) }]]
  ])('of a file list with %s', async (_, list) => {
    const { hub, pull } = await setUp()
    hub.fault = ({ path }, response) => {
      if (path.includes('/tree/')) response.end(JSON.stringify(list))
      return path.includes('/tree/')
    }
    await expect(pull()).rejects.toMatchObject({ code: 'hub_response_invalid' })
  })

  it('of a next page on another host', async () => {
    const { hub, pull } = await setUp()
    hub.fault = ({ path }, response) => {
      if (path.includes('/tree/')) response.writeHead(200, { link: `<${hub.cdnOrigin}/steal>; rel="next"` }).end('[]')
      return path.includes('/tree/')
    }
    await expect(pull()).rejects.toThrow(/its next page is on another host/)
    expect(hub.seen.every(request => request.server === 'hub')).toBe(true)
  })

  it('of an endpoint that is none and of a destination that is a file', async () => {
    const { destination, pull } = await setUp()
    await expect(pull({ endpoint: 'ftp://x' })).rejects.toThrow(/HF_ENDPOINT/)
    await expect(pull({ endpoint: 'x' })).rejects.toThrow(/HF_ENDPOINT/)
    await writeFile(join(destination, '../..', 'file'), '')
    await expect(pull({ destination: join(destination, '../../file/model') })).rejects.toMatchObject({ code: 'hub_write_failed' })
  })

  it('of more than there is room for, before anything is downloaded', async () => {
    const { hub, destination, pull } = await setUp()
    hub.fault = ({ path }, response) => {
      if (path.includes('/tree/')) response.end(JSON.stringify([{ type: 'file', path: 'm.gguf', size: 2 ** 52, oid: 'a'.repeat(40) }]))
      return path.includes('/tree/')
    }
    await expect(pull()).rejects.toMatchObject({ code: 'hub_disk_full', facts: { neededBytes: 2 ** 52 } })
    expect(await readdir(destination)).toEqual([])
  })

  it('of a revision the hub does not have', async () => {
    const { pull } = await setUp()
    await expect(pull({ revision: 'v2' })).rejects.toMatchObject({ code: 'hub_revision_not_found', facts: { revision: 'v2' } })
  })
})

describe('a pulled model', () => {
  it('is found by its id', async () => {
    const modelsDirectory = await temporaryDirectory()
    const { pull } = await setUp()
    const destination = modelDirectoryOf(modelsDirectory, { id: 'owner/name', revision: 'main' })
    await pull({ destination })
    expect(await resolveModel('owner/name', { modelsDirectory })).toBe(destination)
    await expect(resolveModel('owner/name@v2', { modelsDirectory })).rejects.toThrow(/run: tandem pull owner\/name@v2/)
  })
})
