// Owns the form of model ids and where a pulled model lies. Pure.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { hubError } from './errors.js'

export interface ModelId {
  /** `OWNER/NAME`; a few old models have no owner. */
  readonly id: string
  readonly revision: string
}

export const defaultRevision = 'main'

const segment = '[A-Za-z0-9](?:[A-Za-z0-9_-]|\\.(?!\\.)){0,95}'
const idPattern = new RegExp(`^(?:${segment}/)?${segment}$`)
const revisionPattern = /^[A-Za-z0-9](?:[A-Za-z0-9_/-]|\.(?!\.)){0,127}$/

/** `~/.cache/tandem/models`: where models go unless the caller says otherwise. */
export function defaultModelsDirectory (): string {
  return join(homedir(), '.cache', 'tandem', 'models')
}

/** Parses `OWNER/NAME` or `OWNER/NAME@REVISION`. Throws `hub_model_id_invalid`. */
export function parseModelId (text: string): ModelId {
  const [id = '', revision = defaultRevision, ...more] = text.split('@')
  if (!idPattern.test(id) || !revisionPattern.test(revision) || more.length > 0) throw hubError('hub_model_id_invalid', { model: text })
  return { id, revision }
}

/** Directory of a pulled model: `OWNER/NAME`, and `OWNER/NAME@REVISION` for any revision but main. */
export function modelDirectoryOf (modelsDirectory: string, { id, revision }: ModelId): string {
  const suffix = revision === defaultRevision ? '' : `@${revision.replaceAll('/', '--')}`
  return join(modelsDirectory, ...`${id}${suffix}`.split('/'))
}
