// Seeded mutations of sound headers: whatever the bytes, the parsers answer with a table inside the file or a typed error, and soon.
// TANDEM_FUZZ_CASES=1000000 runs more of them, TANDEM_FUZZ_SEED others.
import { isTandemError } from '@tandem/core'
import { describe, expect, it } from 'vitest'
import { readGgufConfig } from '../src/config/gguf-config.js'
import { readHfConfig } from '../src/config/hf-config.js'
import { KeyReader, recordLookup } from '../src/config/key-reader.js'
import { NeedMoreBytes } from '../src/gguf/byte-cursor.js'
import { parseGgufHeader } from '../src/gguf/parse-header.js'
import { parseSafetensorsHeader, safetensorsHeaderLength } from '../src/safetensors/parse-header.js'
import { resolveAttentionWeights } from '../src/weights/attention-weights.js'
import { resolveFfnWeights } from '../src/weights/ffn-weights.js'
import { mergeTensorTables } from '../src/weights/stored-tensor.js'
import type { StoredTensor } from '../src/weights/stored-tensor.js'
import { ggufTensorNames, hfTensorNames } from '../src/weights/tensor-names.js'
import { TensorResolver } from '../src/weights/tensor-resolver.js'
import { ggufDenseTensors, ggufGqaTensors, ggufModel, step3Config, step3Tensors } from './support/checkpoints.js'
import { encodeGguf } from './support/gguf-file.js'
import { below, seededRandom } from './support/random.js'
import { encodeSafetensors } from './support/safetensors-file.js'

const numCases = Number(process.env.TANDEM_FUZZ_CASES ?? 3_000)
const seed = Number(process.env.TANDEM_FUZZ_SEED ?? 1)
const timeoutMs = 60_000 + numCases

const interesting = [0, 1, 2, 7, 8, 9, 12, 31, 32, 33, 127, 128, 255]

/** Flips, overwrites, inserts, removes or repeats a few bytes, mostly in front of `headerBytes`. */
function mutate (bytes: Uint8Array, headerBytes: number, random: () => number): Uint8Array {
  let mutated: Uint8Array = Uint8Array.from(bytes)
  for (let round = 0; round < 1 + below(random, 4); round++) {
    const at = below(random, Math.min(headerBytes, mutated.length))
    const length = 1 + below(random, 8)
    switch (below(random, 6)) {
      case 0: mutated[at]! ^= 1 << below(random, 8); break
      case 1: mutated[at] = interesting[below(random, interesting.length)]!; break
      case 2: mutated.subarray(at, at + length).fill(below(random, 2) === 0 ? 0xff : 0); break
      case 3: mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)]); break
      case 4: mutated = Buffer.concat([mutated.subarray(0, at + length), mutated.subarray(at)]); break
      default: mutated = mutated.subarray(0, at + 1)
    }
  }
  return mutated
}

function checkInside (tensors: readonly StoredTensor[], fileBytes: number): void {
  for (const { offset, byteLength } of tensors) {
    if (!(offset >= 0 && byteLength >= 0 && offset + byteLength <= fileBytes)) throw new Error('a tensor lies outside the file')
  }
}

/** Runs every case; anything but success or a typed error fails with the case's number. */
function runCases (attempt: (random: () => number) => void): { accepted: number, refused: number } {
  const counts = { accepted: 0, refused: 0 }
  for (let i = 0; i < numCases; i++) {
    try {
      attempt(seededRandom(seed * 1_000_003 + i))
      counts.accepted++
    } catch (error) {
      if (!isTandemError(error) && !(error instanceof NeedMoreBytes)) throw new Error(`seed ${seed}, case ${i}`, { cause: error })
      counts.refused++
    }
  }
  return counts
}

describe(`${numCases} mutations with seed ${seed}`, () => {
  it('of GGUF files', () => {
    const { entries, tensors } = ggufModel('llama', { ...ggufGqaTensors, ...ggufDenseTensors }, [['tokenizer.ggml.tokens', 'array', 'string', ['a', 'b', 'ü']]])
    const sound = encodeGguf(entries, tensors)
    const headerBytes = parseGgufHeader(sound, sound.length, 'f').tensors[0]?.offset ?? 0
    const { accepted, refused } = runCases(random => {
      const bytes = mutate(sound, headerBytes, random)
      // Sometimes the file is said to be longer than the bytes at hand.
      const fileBytes = below(random, 4) === 0 ? bytes.length + 2 ** 45 : bytes.length
      const header = parseGgufHeader(bytes, fileBytes, 'f')
      checkInside(header.tensors, fileBytes)
      const table = mergeTensorTables([header.tensors])
      const config = readGgufConfig('f', header.metadata, table)
      const resolver = new TensorResolver('f', table)
      resolveAttentionWeights(config, ggufTensorNames, resolver)
      resolveFfnWeights(config, ggufTensorNames, resolver)
    })
    expect(accepted).toBeGreaterThan(numCases / 200)
    expect(refused).toBeGreaterThan(numCases / 4)
  }, timeoutMs)

  it('of safetensors files', () => {
    const sound = encodeSafetensors(step3Tensors())
    const headerBytes = 8 + safetensorsHeaderLength(sound, sound.length, 'f')
    const { refused } = runCases(random => {
      const bytes = mutate(sound, headerBytes, random)
      const length = safetensorsHeaderLength(bytes.subarray(0, 8), bytes.length, 'f')
      checkInside(parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length, 'f'), bytes.length)
    })
    expect(refused).toBeGreaterThan(numCases / 4)
  }, timeoutMs)

  it('of config.json values', () => {
    const table = mergeTensorTables([parseAll(encodeSafetensors(step3Tensors()))])
    const keys = Object.keys(step3Config)
    const values: readonly unknown[] = [0, -1, 1.5, 2 ** 26, 2 ** 31, 1e308, '', '1', 'yarn', null, [], {}, [1, 2], true, { rope_type: 'yarn', factor: 1e300 }, { type: 'llama3' }]
    const { accepted, refused } = runCases(random => {
      const changed = { ...step3Config, [keys[below(random, keys.length)]!]: values[below(random, values.length)] }
      const config = readHfConfig(new KeyReader('c', recordLookup(changed)), undefined, { hasLmHead: true, hasQkvBias: false, hasOutputBias: false })
      const names = hfTensorNames(config.architecture, 'model.', '')
      resolveAttentionWeights(config, names, new TensorResolver('c', table))
      resolveFfnWeights(config, names, new TensorResolver('c', table))
    })
    expect(accepted).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(numCases / 4)
  }, timeoutMs)
})

function parseAll (bytes: Uint8Array): StoredTensor[] {
  const length = safetensorsHeaderLength(bytes.subarray(0, 8), bytes.length, 'f')
  return parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length, 'f')
}
