// Owns directories of files for a test, removed when the test ends.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Writes `files` into a new directory: bytes as they are, anything else as JSON. */
export async function temporaryDirectory (files: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tandem-model-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content instanceof Uint8Array ? content : JSON.stringify(content))
  }
  return directory
}
