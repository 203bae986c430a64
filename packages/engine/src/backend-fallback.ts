// Owns what `auto` does when a backend refuses a model while loading it: the next one is tried. Damaged files, lack of memory and the
// like are no refusals: another backend would fail as well, or later. Creates no engine itself.
import { isTandemError, makeError } from '@tandem/core'
import type { TandemError } from '@tandem/core'
import { engineErrors } from './errors.js'
import { resolveBackend } from './factory.js'
import type { ResolvedBackend } from './factory.js'
import type { BackendKind, BackendRefusal } from './types.js'

/** What backends say of tensors and models they have no code for. */
const refusalCodes: ReadonlySet<string> = new Set(['tensor_unsupported', 'model_unsupported'])

export interface FallbackSteps<T> {
  /** Creates an engine of `resolved.backend`, whose KV cache may differ from the last one's in dtype; `refused` goes into its options. */
  readonly create: (resolved: ResolvedBackend, refused: readonly BackendRefusal[]) => Promise<T>
  readonly onRefusal: (backend: BackendKind, error: TandemError) => void
  /** Replaced by tests. */
  readonly resolve?: typeof resolveBackend
}

/**
 * What `create` returns for the first backend that does not refuse. A backend that was asked for by name is not replaced. Throws what
 * `create` throws, or after refusals `backend_unavailable` with what every backend has said.
 */
export async function withBackendFallback<T> (asked: BackendKind | 'auto', steps: FallbackSteps<T>): Promise<T> {
  const { create, onRefusal, resolve = resolveBackend } = steps
  const refused: BackendRefusal[] = []
  while (true) {
    const resolved = resolve(asked, refused)
    try {
      return await create(resolved, refused)
    } catch (error) {
      if (asked !== 'auto' || !isTandemError(error)) throw error
      if (!refusalCodes.has(error.code)) throw refused.length === 0 ? error : noneLeft(resolved.backend, error, refused)
      onRefusal(resolved.backend, error)
      refused.push({ backend: resolved.backend, reason: error.message })
    }
  }
}

/** The last one's words alone would hide why it was tried at all. */
function noneLeft (backend: BackendKind, error: TandemError, refused: readonly BackendRefusal[]): TandemError {
  const reasons = [...refused, { backend, reason: error.message }].map(({ backend, reason }) => `no ${backend}: ${reason}`)
  return makeError(engineErrors, 'backend_unavailable', { backend: 'auto', reason: reasons.join('; ') }, { cause: error })
}
