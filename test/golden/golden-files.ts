// Owns reading the goldens under test/golden/models and how far logits are from them. How they were made: scripts/.
import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export interface Golden {
  readonly name: string
  readonly directory: string
  /** Implementation and precision that computed the numbers. */
  readonly oracle: string
  readonly prompts: readonly (readonly number[])[]
  /** Greedy continuation of each prompt; end-of-sequence tokens do not end it. */
  readonly greedy: readonly (readonly number[])[]
  /** Logits of each position of each prompt. */
  readonly logits: readonly (readonly Float32Array[])[]
}

const modelsDirectory = fileURLToPath(new URL('models', import.meta.url))

export async function goldenNames (): Promise<string[]> {
  return (await readdir(modelsDirectory)).sort()
}

export async function readGolden (name: string): Promise<Golden> {
  const directory = `${modelsDirectory}/${name}`
  const { oracle, prompts, greedy } = JSON.parse(await readFile(`${directory}/golden.json`, 'utf8')) as Pick<Golden, 'oracle' | 'prompts' | 'greedy'>
  const bytes = await readFile(`${directory}/logits.bin`)
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const vocabSize = values.length / prompts.flat().length
  let row = 0
  const logits = prompts.map(prompt => prompt.map(() => values.subarray(row * vocabSize, ++row * vocabSize)))
  return { name, directory, oracle, prompts, greedy, logits }
}

/** max |a - b| / max |b| over one row of logits. */
export function relativeError (actual: Float32Array, expected: Float32Array): number {
  let difference = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!))
    scale = Math.max(scale, Math.abs(expected[i]!))
  }
  return difference / scale
}
