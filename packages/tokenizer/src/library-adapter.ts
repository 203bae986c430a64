// Owns the differences between a tokenizer.json and what the library makes of it: rewrites the components it
// treats otherwise than the Rust implementation into ones it treats alike. Each case has a golden test.
import { gpt2Split, isolate } from './pre-tokenizers.js'
import type { ComponentJson, TokenizerJson } from './tokenizer-json.js'

export function adaptToLibrary (json: TokenizerJson): TokenizerJson {
  // Merges are not given to it: it would index them at some 100 ms, and never use them.
  return { ...json, pre_tokenizer: adaptPreTokenizer(json.pre_tokenizer), model: { ...json.model, merges: [] } }
}

function adaptPreTokenizer (component: ComponentJson | null): ComponentJson | null {
  if (component === null) return null
  switch (component.type) {
    case 'Sequence':
      return { ...component, pretokenizers: (component.pretokenizers as ComponentJson[]).map(adaptPreTokenizer) }
    case 'Digits':
      // The library's is ASCII only; Rust's is every numeric character.
      return isolate(component.individual_digits === true ? '\\p{N}' : '\\p{N}+')
    case 'ByteLevel':
      // The library's built-in pattern uses JavaScript's \s, which has U+FEFF and lacks U+0085; its Split does not.
      if (component.use_regex === false || component.add_prefix_space === true) return component
      return { type: 'Sequence', pretokenizers: [gpt2Split, { ...component, use_regex: false }] }
    case 'Metaspace':
      // The library never splits at the spaces it marks.
      if (component.split === false) return component
      return { type: 'Sequence', pretokenizers: [component, isolate('\u2581[^\u2581]*|[^\u2581]+')] }
    case 'Split':
      // It knows these two behaviours and takes any other for the first.
      if (component.behavior === 'Isolated' || component.behavior === 'Removed') return component
      throw new Error(`pre-tokenizer Split with behavior ${String(component.behavior)} is not supported`)
    default:
      return component
  }
}
