// Owns running a model over the two backends directly: no scheduler, no pipeline, no connector. Test support for whoever
// needs logits of a whole model.
//
//   const runner = await createModelRunner(model)
//   const sequence = runner.addSequence()
//   const [logits] = runner.step([{ sequence, tokenIds: [1, 2, 3] }])   // prefill; one row of logits per token
//   runner.step([{ sequence, tokenIds: [4] }])                          // decode
import { shardRangeOf, subtreeRoots, type FfnSplit } from '@tandem/core'
import {
  combinePartials, createReferenceAttentionBackend, createReferenceFfnBackend, type AttentionBackend, type AttnOutput, type FfnBackend, type Ubatch
} from '@tandem/engine'
import type { Model } from '@tandem/model'

export interface ModelRunnerOptions {
  readonly numBlocks?: number
  readonly blockSize?: number
  /** FFN workers of the one instance. */
  readonly numFfnWorkers?: number
  readonly split?: FfnSplit
}

export interface RunnerSequence {
  numTokens: number
  readonly blockIds: number[]
}

/** Tokens to append to a sequence in a step. */
export interface SequenceInput {
  readonly sequence: RunnerSequence
  readonly tokenIds: readonly number[]
}

export async function createModelRunner (model: Model, options: ModelRunnerOptions = {}): Promise<ModelRunner> {
  const { numBlocks = 64, blockSize = 16, numFfnWorkers = 1, split = 'ep' } = options
  const attention = await createReferenceAttentionBackend(model, { numBlocks, blockSize, maxModelLen: numBlocks * blockSize })
  const workers: FfnBackend[] = []
  for (let rank = 0; rank < numFfnWorkers; rank++) {
    const ffn = createReferenceFfnBackend(model)
    await ffn.load(shardRangeOf(rank, numFfnWorkers), split)
    workers.push(ffn)
  }
  return new ModelRunner(model, attention, workers, split, numBlocks, blockSize)
}

export class ModelRunner {
  /** Handed out from the end, so that block tables are not in order of ids. */
  readonly #freeBlocks: number[]

  constructor (
    private readonly model: Model, readonly attention: AttentionBackend, readonly ffnWorkers: readonly FfnBackend[],
    private readonly split: FfnSplit, numBlocks: number, private readonly blockSize: number
  ) {
    this.#freeBlocks = Array.from({ length: numBlocks }, (_, i) => (i * 7 + 3) % numBlocks)
    if (new Set(this.#freeBlocks).size !== numBlocks) throw new Error('numBlocks must not be a multiple of 7')
  }

  addSequence (): RunnerSequence {
    return { numTokens: 0, blockIds: [] }
  }

  release (sequence: RunnerSequence): void {
    this.#freeBlocks.push(...sequence.blockIds.splice(0))
    sequence.numTokens = 0
  }

  /** Runs one ubatch. Returns for each input its logits: of every new token, or of the last one with `lastOnly`. */
  step (inputs: readonly SequenceInput[], { lastOnly = false } = {}): Float32Array[][] {
    const ubatch = this.#ubatchOf(inputs)
    const residual = this.attention.embed(ubatch)
    for (let layerIdx = 0; layerIdx < this.model.config.numLayers; layerIdx++) {
      const output = this.#ffn(layerIdx, this.attention.attend(layerIdx, ubatch, residual))
      for (let i = 0; i < residual.length; i++) residual[i]! += output[i]!
    }
    const wanted = ubatch.sequences.map(({ firstRow, numTokens }) => {
      return lastOnly ? [firstRow + numTokens - 1] : Array.from({ length: numTokens }, (_, i) => firstRow + i)
    })
    const logits = this.attention.logits(residual, wanted.flat())
    let next = 0
    return wanted.map(rows => rows.map(() => logits[next++]!))
  }

  /** Appends `prompt` to a new sequence and continues greedily, lowest token id among equals. */
  greedy (prompt: readonly number[], numSteps: number): number[] {
    const sequence = this.addSequence()
    const output: number[] = []
    let tokenIds = prompt
    while (output.length < numSteps) {
      const [logits] = this.step([{ sequence, tokenIds }], { lastOnly: true })
      output.push(argmax(logits![0]!))
      tokenIds = output.slice(-1)
    }
    this.release(sequence)
    return output
  }

  #ffn (layerIdx: number, { hidden, topkIds, topkWeights }: AttnOutput): Float32Array {
    const nodes: number[] = []
    const partials: Float32Array[] = []
    this.ffnWorkers.forEach((ffn, rank) => {
      const shards = shardRangeOf(rank, this.ffnWorkers.length)
      nodes.push(...subtreeRoots(shards))
      partials.push(...ffn.run(layerIdx, shards, this.split, hidden, topkIds, topkWeights))
    })
    return combinePartials(nodes, partials)
  }

  #ubatchOf (inputs: readonly SequenceInput[]): Ubatch {
    const tokenIds = Int32Array.from(inputs.flatMap(input => input.tokenIds))
    let firstRow = 0
    const sequences = inputs.map(({ sequence, tokenIds: { length: numTokens } }) => {
      const startPosition = sequence.numTokens
      sequence.numTokens += numTokens
      while (sequence.blockIds.length * this.blockSize < sequence.numTokens) {
        const blockId = this.#freeBlocks.pop()
        if (blockId === undefined) throw new Error('out of KV blocks')
        sequence.blockIds.push(blockId)
      }
      const entry = { firstRow, numTokens, startPosition, blockTable: Int32Array.from(sequence.blockIds) }
      firstRow += numTokens
      return entry
    })
    return { tokenIds, sequences }
  }
}

export function argmax (values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
