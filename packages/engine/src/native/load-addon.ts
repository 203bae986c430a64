// Owns finding a native addon and saying why there is none. Must not decide what to do without it.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** `tandem_native` serves; `tandem_kernels` is the surface of tests and benches. */
export type AddonName = 'tandem_native' | 'tandem_kernels'

export type LoadedAddon =
  | { readonly loaded: true, readonly addon: unknown, readonly path: string }
  | { readonly loaded: false, readonly reason: string }

/** src/native and dist/native are equally deep in the package. */
const packageUrl = new URL('../../', import.meta.url)

/** What scripts/build-native.mjs wrote. */
function buildReason (directory: URL): string {
  const statusUrl = new URL('build/status.json', directory)
  if (!existsSync(statusUrl)) return 'the native engine was never built (node packages/engine/scripts/build-native.mjs)'
  const status: unknown = JSON.parse(readFileSync(statusUrl, 'utf8'))
  const reason = typeof status === 'object' && status !== null && 'reason' in status ? String(status.reason) : 'build/status.json is unreadable'
  return `the native engine was not built: ${reason}`
}

/** Loads an addon of `directory` (a file: URL ending in a slash; this package unless a test says otherwise). */
export function loadAddon (name: AddonName, directory: URL = packageUrl): LoadedAddon {
  const path = fileURLToPath(new URL(`build/Release/${name}.node`, directory))
  if (!existsSync(path)) return { loaded: false, reason: buildReason(directory) }
  try {
    return { loaded: true, addon: createRequire(import.meta.url)(path), path }
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return { loaded: false, reason: `the native engine does not load: ${message}` }
  }
}
