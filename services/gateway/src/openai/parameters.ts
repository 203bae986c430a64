// Owns what happens to request fields that are not in a schema: ignored when that cannot change the answer,
// accepted when they ask for what happens anyway, refused by name otherwise.
import { gatewayError } from '../errors.js'

/** Labels, hints and bookkeeping. */
export const ignoredParameters: ReadonlySet<string> = new Set([
  'user', 'metadata', 'store', 'service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'prediction',
  'request_id', 'priority', 'cache_salt', 'parallel_tool_calls'
])

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Values that ask for what happens anyway. */
const harmless: Readonly<Record<string, (value: unknown) => boolean>> = {
  tools: isEmptyList,
  functions: isEmptyList,
  tool_choice: value => value === 'none' || value === 'auto',
  function_call: value => value === 'none' || value === 'auto',
  modalities: value => Array.isArray(value) && value.length === 1 && value[0] === 'text',
  best_of: value => value === 1,
  suffix: value => value === '',
  min_tokens: value => value === 0,
  use_beam_search: value => value === false,
  length_penalty: value => value === 1,
  bad_words: isEmptyList,
  spaces_between_special_tokens: value => value === true,
  continue_final_message: value => value === false
}

const reasons: Readonly<Record<string, string>> = {
  tools: 'tool calls are not supported',
  functions: 'tool calls are not supported',
  tool_choice: 'tool calls are not supported',
  function_call: 'tool calls are not supported',
  suffix: 'insertion is not supported',
  best_of: 'only 1 is supported; ask for n'
}

/** Null means absent, as OpenAI clients send it. Throws `unsupported_parameter` naming the first field refused. */
export function refuseUnknown (body: Readonly<Record<string, unknown>>, known: Readonly<Record<string, unknown>>): void {
  for (const [param, value] of Object.entries(body)) {
    if (Object.hasOwn(known, param) || ignoredParameters.has(param)) continue
    if (Object.hasOwn(harmless, param) && harmless[param]!(value)) continue
    throw gatewayError('unsupported_parameter', {
      param, reason: Object.hasOwn(reasons, param) ? reasons[param] : 'this server does not know it and ignoring it could change the answer'
    })
  }
}
