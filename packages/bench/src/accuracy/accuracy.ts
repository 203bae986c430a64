// Owns the `accuracy` bench: a backend's teacher-forced agreement with a float32 implementation, on the engine itself.
import { formatTable } from '@tandem/cli'
import type { CommandContext, ExitCode } from '@tandem/cli'
import { defineOptions, parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { defaultModelPath } from '@tandem/default-model'
import { createColocatedEngine } from '@tandem/engine'
import type { AttentionEngine } from '@tandem/engine'
import { openModel } from '@tandem/model'
import { BenchRun } from '../bench-run.js'
import { progressBar } from '../load/rounds.js'
import { describeSurroundings, surroundingsText } from '../machine.js'
import { writeReport } from '../report-file.js'
import { agreementOf } from './agreement.js'
import { blocksFor, scoreText } from './engine-scores.js'
import { cutGolden, defaultGoldenPath, readGolden } from './golden.js'

export const accuracyOptions = defineOptions({
  backend: { type: 'string', description: 'which backend is scored', default: 'auto', choices: ['auto', 'reference', 'cpu', 'cuda'] },
  kvDtype: { type: 'string', description: "what the KV cache is kept in; auto is the backend's", default: 'auto', choices: ['auto', 'f32', 'f16', 'bf16', 'fp8', 'int8'] },
  activationDtype: { type: 'string', description: 'what activations travel in', default: 'f32', choices: ['f32', 'bf16', 'fp8_e4m3'] },
  model: { type: 'string', description: 'GGUF file or Hugging Face directory; the shipped one if not given' },
  golden: { type: 'string', description: 'JSON with token_ids, top1 and logprobs of a float32 implementation; that of the shipped model if not given' },
  positions: { type: 'integer', description: 'positions to score; 0 for all', default: 0, min: 0 },
  chunk: { type: 'integer', description: 'tokens of one step', default: 128, min: 1, max: 4096 },
  output: { type: 'string', description: 'file for the report as JSON' }
})
type AccuracyOptions = OptionsOf<typeof accuracyOptions>

const blockSize = 16

export async function runAccuracy (given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(accuracyOptions, { flags: given })
  const golden = cutGolden(readGolden(options.golden ?? defaultGoldenPath), options.positions)
  const surroundings = describeSurroundings()
  const { facts, scores } = await BenchRun.with(context, async run => {
    run.say('loading the model')
    const engine = await openEngine(options, golden.tokenIds.length)
    try {
      const { backend, reason } = engine.info
      const onProgress = (numDone: number) => run.say(`${progressBar(numDone / golden.tokenIds.length)} scoring ${golden.tokenIds.length} tokens`)
      const scores = await scoreText(engine, golden.tokenIds, options.chunk, onProgress, run.signal)
      return { scores, facts: { backend, backendReason: reason, kvDtype: engine.kvCache.dtype, activationDtype: options.activationDtype } }
    } finally {
      await engine.dispose()
    }
  })
  const agreement = agreementOf(golden, scores)
  context.terminal.out([
    surroundingsText(surroundings),
    `${facts.backend} (${facts.backendReason}), KV cache ${facts.kvDtype}, activations ${facts.activationDtype}; against ${golden.oracle}`,
    '',
    formatTable(['positions', 'top-1 equal', 'mean |delta logprob|', 'max'], [[
      String(agreement.numPositions), `${(agreement.top1Share * 100).toFixed(2)}%`, agreement.meanAbsDelta.toFixed(5), agreement.maxAbsDelta.toFixed(4)
    ]])
  ].join('\n'))
  writeReport(options.output, { bench: 'accuracy', ...surroundings, ...facts, oracle: golden.oracle, model: options.model ?? 'the shipped model', ...agreement })
  return 0
}

async function openEngine (options: AccuracyOptions, numTokens: number): Promise<AttentionEngine> {
  return await createColocatedEngine({
    model: await openModel(options.model ?? defaultModelPath),
    backend: options.backend,
    kvBlocks: blocksFor(numTokens, blockSize),
    blockSize,
    kvDtype: options.kvDtype,
    maxModelLen: numTokens + 1,
    activationDtype: options.activationDtype,
    connector: 'loopback',
    clusterToken: '',
    ffnTimeoutMs: 60_000,
    numThreads: 0,
    workerNumber: 1,
    onPeerDown: () => {}
  }, { split: 'ep', maxQueuedFrames: 64 })
}
