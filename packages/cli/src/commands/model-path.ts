// Owns turning --model into a path on this machine, and refusing what cannot be opened before any process is started.
import { defaultModelPath } from '@tandem/default-model'

/** Throws what resolving and opening throw: no such path, never pulled, truncated, unsupported, without a tokenizer. */
export async function resolveModelPath (model: string | undefined, modelsDir: string | undefined): Promise<string> {
  if (model === undefined) return defaultModelPath
  // The shipped model needs neither.
  const [{ defaultModelsDirectory, resolveModel }, { openModel }, { loadTokenizer }] = await Promise.all([
    import('@tandem/hub'), import('@tandem/model'), import('@tandem/tokenizer')
  ])
  const path = await resolveModel(model, { modelsDirectory: modelsDir ?? defaultModelsDirectory() })
  await loadTokenizer((await openModel(path)).tokenizer)
  return path
}
