import { expect, it } from 'vitest'
import { defineErrors, makeError } from '@tandem/core'
import { modelErrors } from '@tandem/model'
import { withBackendFallback } from '../src/backend-fallback.js'
import { engineErrors } from '../src/errors.js'
import type { ResolvedBackend } from '../src/factory.js'
import { nativeErrors } from '../src/native/errors.js'
import type { BackendKind, BackendRefusal } from '../src/types.js'

const unsupported = makeError(nativeErrors, 'model_unsupported', { reason: 'too many experts' })

/** cpu, then reference, as on a machine that has both. */
function resolve (asked: BackendKind | 'auto', refused: readonly BackendRefusal[] = []): ResolvedBackend {
  const [backend] = (['cpu', 'reference'] as const).filter(kind => !refused.some(refusal => refusal.backend === kind) && (asked === 'auto' || asked === kind))
  if (backend === undefined) throw makeError(noneLeft, 'none_left')
  return { backend, reason: '', kvDtype: backend === 'cpu' ? 'f16' : 'f32' }
}

const noneLeft = defineErrors({ none_left: { message: 'none left', grpc: 'FAILED_PRECONDITION', http: 500, retryable: false } })

/** Runs with backends that throw what `failures` holds; returns who was tried, who refused and what came out. */
async function run (asked: BackendKind | 'auto', failures: Partial<Record<BackendKind, Error>>) {
  const tried: string[] = []
  const refusals: string[] = []
  const outcome = await withBackendFallback(asked, {
    async create ({ backend, kvDtype }) {
      tried.push(`${backend} ${kvDtype}`)
      const failure = failures[backend]
      if (failure !== undefined) throw failure
      return backend
    },
    onRefusal: (backend, { message }) => { refusals.push(`${backend}: ${message}`) },
    resolve
  }).catch((error: Error) => error)
  return { tried, refusals, outcome }
}

it('tries the next backend, with its own KV dtype, when one refuses the model', async () => {
  expect(await run('auto', { cpu: unsupported })).toEqual({
    tried: ['cpu f16', 'reference f32'],
    refusals: ['cpu: the native engine cannot run this model: too many experts'],
    outcome: 'reference'
  })
})

it('uses the first one that takes it', async () => {
  expect(await run('auto', {})).toEqual({ tried: ['cpu f16'], refusals: [], outcome: 'cpu' })
})

it('does not replace a backend that was asked for', async () => {
  expect(await run('cpu', { cpu: unsupported })).toEqual({ tried: ['cpu f16'], refusals: [], outcome: unsupported })
})

it.each([
  makeError(nativeErrors, 'weights_unreadable', { tensor: 'x', reason: 'it ends behind the end of the file' }),
  makeError(modelErrors, 'model_file_truncated', { path: 'm.gguf', part: 'tensor x', expected: 2, actual: 1 }),
  new Error('anything else')
])('does not hide: $message', async failure => {
  expect(await run('auto', { cpu: failure })).toEqual({ tried: ['cpu f16'], refusals: [], outcome: failure })
})

it('says why the last one was tried when it fails for another reason', async () => {
  const failure = makeError(engineErrors, 'connector_unavailable', { backend: 'reference', connector: 'shm', spoken: 'tcp, grpc' })
  const { outcome } = await run('auto', { cpu: unsupported, reference: failure })
  expect(outcome).toMatchObject({ code: 'backend_unavailable', cause: failure })
  expect((outcome as Error).message).toMatch(/no cpu: .*too many experts; no reference: .*no shm connector/)
})

it('gives up when every backend refused', async () => {
  const { tried, outcome } = await run('auto', { cpu: unsupported, reference: unsupported })
  expect(tried).toHaveLength(2)
  expect(outcome).toMatchObject({ code: 'none_left' })
})
