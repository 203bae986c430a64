// Owns the split patterns byte-level vocabularies were trained with, by the name GGUF gives them
// (`tokenizer.ggml.pre`). Several patterns split one after another. Facts from llama.cpp's list and the
// models' tokenizer.json files.
import type { ComponentJson } from './tokenizer-json.js'

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

const llama3 = (digits: string): string =>
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
  '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'

const DEEPSEEK_V3 = [
  '\\p{N}{1,3}',
  '[一-龥぀-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+' +
  '| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
]

const patterns: Readonly<Record<string, readonly string[]>> = {
  'gpt-2': [GPT2],
  default: [GPT2],
  smollm: ['\\p{N}', GPT2],
  'llama-bpe': [llama3('\\p{N}{1,3}')],
  qwen2: [llama3('\\p{N}')],
  'deepseek-v3': DEEPSEEK_V3
}

export const preTokenizerNames: readonly string[] = Object.freeze(Object.keys(patterns))

/** The pre-tokenizer of a GGUF file as tokenizer.json spells it; undefined for a name we do not know. */
export function preTokenizerOf (name: string): ComponentJson | undefined {
  const splits = patterns[name]
  if (splits === undefined) return undefined
  return byteLevelSequence(splits.map(isolate))
}

export function isolate (pattern: string): ComponentJson {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }
}

export const gpt2Split = isolate(GPT2)

export function byteLevelSequence (splits: readonly ComponentJson[]): ComponentJson {
  return { type: 'Sequence', pretokenizers: [...splits, { type: 'ByteLevel', add_prefix_space: false, use_regex: false }] }
}
