// Owns the record a finished pull leaves in a model's directory: which commit, which files. Its presence says the model is whole.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface PullManifest {
  readonly model: string
  readonly revision: string
  readonly commit: string
  /** Checksum (hex) by file name. */
  readonly files: Readonly<Record<string, string>>
}

const manifestName = '.tandem-pull.json'

/** undefined when there is none or it cannot be understood: the pull then verifies every file again. */
export async function readPullManifest (directory: string): Promise<PullManifest | undefined> {
  const text = await readFile(join(directory, manifestName), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as Partial<PullManifest> | null
    const isManifest = typeof value?.commit === 'string' && typeof value.model === 'string' && typeof value.revision === 'string' &&
      typeof value.files === 'object' && value.files !== null
    return isManifest ? value as PullManifest : undefined
  } catch {
    return undefined
  }
}

/** Replaces the record in one step. */
export async function writePullManifest (directory: string, manifest: PullManifest): Promise<void> {
  const path = join(directory, manifestName)
  await writeFile(`${path}.partial`, `${JSON.stringify(manifest, null, 2)}\n`)
  await rename(`${path}.partial`, path)
}
