// Owns the choice of files: what serving a model needs, and nothing else of a repository. Pure.
import { hubError } from './errors.js'
import type { RepositoryFile } from './repository.js'

/** Configuration, tokenizer and licence, at the root of a repository. */
const smallFiles: ReadonlySet<string> = new Set([
  'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'tokenizer.model', 'special_tokens_map.json',
  'added_tokens.json', 'vocab.json', 'merges.txt', 'chat_template.jinja', 'chat_template.json', 'LICENSE', 'LICENSE.txt', 'LICENSE.md'
])
const indexName = 'model.safetensors.index.json'
const safetensorsPattern = /^model.*\.safetensors$/
const splitPattern = /^(.*)-\d{5}-of-(\d{5})\.gguf$/

/**
 * Files of `model` to download: small files with the safetensors, or with the only GGUF model. `include` (patterns with * and ?, over paths
 * and names) chooses the weights instead.
 * @throws `hub_no_weights`, `hub_choice_needed`
 */
export function selectFiles (model: string, files: readonly RepositoryFile[], include: readonly string[] = []): RepositoryFile[] {
  const atRoot = files.filter(file => file.path === file.name)
  const small = atRoot.filter(file => smallFiles.has(file.name))
  const weights = include.length > 0 ? includedFiles(model, files, include) : defaultWeights(model, files, atRoot)
  return [...new Map([...small, ...weights].map(file => [file.name, file])).values()]
}

function includedFiles (model: string, files: readonly RepositoryFile[], include: readonly string[]): RepositoryFile[] {
  const patterns = include.map(patternOf)
  const chosen = files.filter(file => patterns.some(pattern => pattern.test(file.path) || pattern.test(file.name)))
  if (!chosen.some(isWeights)) throw hubError('hub_no_weights', { model, reason: ` that match ${include.join(', ')}` })
  // Names must differ: they end up in one directory.
  const names = new Set(chosen.map(file => file.name))
  if (names.size < chosen.length) throw hubError('hub_choice_needed', { model, choices: chosen.map(file => file.path).join(', ') })
  return chosen
}

function defaultWeights (model: string, files: readonly RepositoryFile[], atRoot: readonly RepositoryFile[]): RepositoryFile[] {
  const safetensors = atRoot.filter(file => safetensorsPattern.test(file.name) || file.name === indexName)
  if (safetensors.some(isWeights)) return safetensors
  const ggufs = files.filter(file => file.name.endsWith('.gguf'))
  const models = new Map<string, RepositoryFile[]>()
  for (const file of ggufs) {
    const key = file.path.replace(splitPattern, '$1-of-$2')
    models.set(key, [...models.get(key) ?? [], file])
  }
  const [only] = models.values()
  if (only === undefined) throw hubError('hub_no_weights', { model, reason: '' })
  if (models.size > 1) throw hubError('hub_choice_needed', { model, choices: ggufs.map(file => file.path).join(', ') })
  return only
}

function isWeights (file: RepositoryFile): boolean {
  return file.name.endsWith('.safetensors') || file.name.endsWith('.gguf')
}

/** `*` is any run of characters, `?` any one; everything else is itself. */
function patternOf (glob: string): RegExp {
  const source = glob.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}
