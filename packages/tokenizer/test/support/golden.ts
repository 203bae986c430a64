// Reads the golden files that test/golden/make-golden.py writes.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ChatMessage } from '../../src/chat-template.js'

export interface ExpectedText {
  readonly ids: number[]
  /** Tokens that `addSpecialTokens` puts in front. */
  readonly prefix: number
  readonly decoded: string
  /** Shipped GGUF only: what transformers gives before its pre-tokenizer is put right. */
  readonly rawIds?: number[]
}
export interface Expected {
  readonly texts: readonly ExpectedText[]
  readonly prompts: readonly string[]
}
interface Samples {
  readonly texts: readonly string[]
  readonly messages: ReadonlyArray<readonly ChatMessage[]>
}

export const goldenPath = (name: string): string => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
export const readGolden = <T>(name: string): T => JSON.parse(readFileSync(goldenPath(name), 'utf8')) as T
export const samples: Samples = readGolden<Samples>('samples.json')
export const expectedOf = (name: string): Expected => readGolden<Expected>(name)
export const ggufMetadataOf = (name: string): Map<string, unknown> =>
  new Map(Object.entries(readGolden<Record<string, unknown>>(`${name}/gguf-metadata.json`)))
