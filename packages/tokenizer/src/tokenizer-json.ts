// Owns the parts of the tokenizer.json format that Tandem reads or writes itself. Everything else in the
// file goes to the library untouched.

export interface AddedTokenJson {
  readonly id: number
  readonly content: string
  readonly special: boolean
  readonly single_word?: boolean
  readonly lstrip?: boolean
  readonly rstrip?: boolean
  readonly normalized?: boolean
}

/** A normalizer, pre-tokenizer, post-processor or decoder. */
export interface ComponentJson {
  readonly type: string
  readonly [key: string]: unknown
}

export interface ModelJson {
  readonly type: string
  readonly vocab: Readonly<Record<string, number>>
  readonly merges: ReadonlyArray<string | readonly [string, string]>
  readonly [key: string]: unknown
}

export interface TokenizerJson {
  readonly added_tokens: readonly AddedTokenJson[]
  readonly normalizer: ComponentJson | null
  readonly pre_tokenizer: ComponentJson | null
  readonly post_processor: ComponentJson | null
  readonly decoder: ComponentJson | null
  readonly model: ModelJson
}

/** What the loaders hand to `createTokenizer`. */
export interface TokenizerParts {
  /** File or kind, for error messages. */
  readonly source: string
  readonly json: TokenizerJson
  readonly bosToken: string | undefined
  readonly eosToken: string | undefined
  readonly unkToken: string | undefined
  readonly padToken: string | undefined
  readonly chatTemplate: string | undefined
}

export function isRecord (value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Adds bos before and eos after a text, as the flags of a checkpoint ask; undefined when neither is asked. */
export function templateProcessor (
  bos: { readonly token: string, readonly id: number } | undefined,
  eos: { readonly token: string, readonly id: number } | undefined
): ComponentJson {
  const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } })
  const single = [
    ...(bos ? [special(bos.token)] : []),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(eos ? [special(eos.token)] : [])
  ]
  const specialTokens = [bos, eos].filter(token => token !== undefined)
    .map(({ token, id }) => [token, { id: token, ids: [id], tokens: [token] }] as const)
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries(specialTokens)
  }
}
