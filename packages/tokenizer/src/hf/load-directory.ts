// Owns reading a Hugging Face directory's tokenizer files into TokenizerParts.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeError } from '@tandem/core'
import { tokenizerErrors } from '../errors.js'
import { isRecord, templateProcessor } from '../tokenizer-json.js'
import type { TokenizerJson, TokenizerParts } from '../tokenizer-json.js'

/** Throws `tokenizer_missing` and `tokenizer_corrupt`. */
export async function loadDirectory (directory: string): Promise<TokenizerParts> {
  const source = join(directory, 'tokenizer.json')
  const file = await readJson(source)
  if (file === undefined) throw makeError(tokenizerErrors, 'tokenizer_missing', { path: directory, expected: 'tokenizer.json' })
  const json = checkTokenizerJson(source, file)
  const config = await readJson(join(directory, 'tokenizer_config.json')) ?? {}
  const chatTemplate = await readText(join(directory, 'chat_template.jinja')) ?? templateIn(config.chat_template)
  const tokens = {
    bosToken: tokenIn(config.bos_token),
    eosToken: tokenIn(config.eos_token),
    unkToken: tokenIn(config.unk_token),
    padToken: tokenIn(config.pad_token)
  }
  return { source, json: withPostProcessor(json, config, tokens), ...tokens, chatTemplate }
}

/**
 * The Llama classes of transformers 4 take add_bos_token and add_eos_token from the config, whatever tokenizer.json
 * says (DeepSeek-V3 relies on it); transformers 5 and all other classes follow tokenizer.json alone.
 */
function withPostProcessor (
  json: TokenizerJson, config: Readonly<Record<string, unknown>>,
  { bosToken, eosToken }: Pick<TokenizerParts, 'bosToken' | 'eosToken'>
): TokenizerJson {
  if (!/^(Code)?LlamaTokenizer/.test(String(config.tokenizer_class))) return json
  if (typeof config.add_bos_token !== 'boolean' && typeof config.add_eos_token !== 'boolean') return json
  const find = (token: string | undefined, wanted: unknown) => {
    if (wanted !== true || token === undefined) return undefined
    const id = json.added_tokens.find(added => added.content === token)?.id ?? json.model.vocab[token]
    return id === undefined ? undefined : { token, id }
  }
  return { ...json, post_processor: templateProcessor(find(bosToken, config.add_bos_token), find(eosToken, config.add_eos_token)) }
}

function checkTokenizerJson (source: string, file: Readonly<Record<string, unknown>>): TokenizerJson {
  const refuse = (reason: string): never => { throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source, reason }) }
  const model = isRecord(file.model) ? file.model : refuse('has no model')
  const type = model.type ?? (Array.isArray(model.merges) ? 'BPE' : undefined)
  if (type !== 'BPE') {
    throw makeError(tokenizerErrors, 'tokenizer_unsupported', { source, reason: `model type ${String(type)} is not BPE` })
  }
  if (!isRecord(model.vocab)) refuse('model.vocab is not an object')
  if (!Array.isArray(model.merges)) refuse('model.merges is not an array')
  return {
    normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [],
    ...file,
    model: { ...model, type }
  } as unknown as TokenizerJson
}

/** A token is written as a string or as an object with its content. */
function tokenIn (value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return isRecord(value) && typeof value.content === 'string' ? value.content : undefined
}

/** One template, or a list of named ones of which "default" is meant. */
function templateIn (value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.filter(isRecord).find(entry => entry.name === 'default')
  return typeof named?.template === 'string' ? named.template : undefined
}

async function readText (path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readJson (path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readText(path)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch (error) {
    throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source: path, reason: 'is not JSON' }, { cause: error })
  }
  throw makeError(tokenizerErrors, 'tokenizer_corrupt', { source: path, reason: 'is not a JSON object' })
}
