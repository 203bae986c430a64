// Owns the choice of loader by where a checkpoint keeps its tokenizer.
import type { TokenizerSource } from '@tandem/model'
import { loadMetadata } from './gguf/load-metadata.js'
import { loadDirectory } from './hf/load-directory.js'
import { createTokenizer } from './tokenizer.js'
import type { CreateTokenizerOptions, Tokenizer } from './tokenizer.js'

/** Throws `tokenizer_missing`, `tokenizer_corrupt` or `tokenizer_unsupported`. */
export async function loadTokenizer (source: TokenizerSource, options: CreateTokenizerOptions = {}): Promise<Tokenizer> {
  const parts = source.kind === 'hf' ? await loadDirectory(source.directory) : loadMetadata(source.metadata, source.path)
  return createTokenizer(parts, options)
}
