// Owns turning --model into a path on this machine, and refusing what cannot be opened before any process is started.
import { defineOptions } from '@tandem/core'
import { defaultModelPath } from '@tandem/default-model'
import { defaultModelsDirectory, resolveModel } from '@tandem/hub'
import { openModel } from '@tandem/model'

export const modelsDirOption = defineOptions({
  modelsDir: { type: 'string', description: 'where `tandem pull` puts models; ~/.cache/tandem/models if not given' }
})

/** Throws what resolving and opening throw: no such path, never pulled, truncated, unsupported. */
export async function resolveModelPath (model: string | undefined, modelsDir: string | undefined): Promise<string> {
  if (model === undefined) return defaultModelPath
  const path = await resolveModel(model, { modelsDirectory: modelsDir ?? defaultModelsDirectory() })
  await openModel(path)
  return path
}
