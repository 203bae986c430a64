// Owns reading the golden files of test/golden, which make_golden.py wrote.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export function goldenPath (name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url))
}

export function readGolden<T> (name: string): T {
  return JSON.parse(readFileSync(goldenPath(name), 'utf8')) as T
}

export function bytesOf (base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

export function floatsOf (base64: string): Float32Array {
  return new Float32Array(bytesOf(base64).buffer)
}

export interface GoldenCheckpoint {
  readonly config: Readonly<Record<string, unknown>>
  readonly generationConfig: Readonly<Record<string, unknown>> | null
  readonly tensors: Readonly<Record<string, readonly [dtype: string, shape: readonly number[]]>>
  readonly scaling: number
  readonly invFreq: readonly number[]
  readonly attentionFactor: number
}

export const goldenCheckpoints = readGolden<Record<string, GoldenCheckpoint>>('checkpoints.json')

export function goldenCheckpoint (name: string): GoldenCheckpoint {
  const checkpoint = goldenCheckpoints[name]
  if (checkpoint === undefined) throw new Error(`no golden checkpoint ${name}`)
  return checkpoint
}
