// Owns turning what a user calls a model into a path on this machine. It never downloads.
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { hubError } from './errors.js'
import { modelDirectoryOf, parseModelId } from './model-id.js'
import { readPullManifest } from './pull-manifest.js'

export interface ResolveOptions {
  /** TANDEM_MODELS_DIR, or `defaultModelsDirectory()`. */
  readonly modelsDirectory: string
}

/**
 * A path that exists, as an absolute path; else the directory of a model that was pulled completely (`OWNER/NAME` or `OWNER/NAME@REVISION`).
 * @throws `hub_path_not_found` for what can only be a path, else `hub_model_not_pulled`, which says what to run.
 */
export async function resolveModel (pathOrId: string, { modelsDirectory }: ResolveOptions): Promise<string> {
  const exists = await stat(pathOrId).then(() => true, () => false)
  if (exists) return resolve(pathOrId)
  if (/^[./~]|\\|\.gguf$/.test(pathOrId) || pathOrId.split('/').length > 2) throw hubError('hub_path_not_found', { model: pathOrId })
  const directory = modelDirectoryOf(modelsDirectory, parseModelId(pathOrId))
  if (await readPullManifest(directory) === undefined) throw hubError('hub_model_not_pulled', { model: pathOrId, modelsDirectory })
  return directory
}
