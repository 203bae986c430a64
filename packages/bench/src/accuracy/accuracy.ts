// Owns the `accuracy` bench: teacher-forced agreement with a float32 implementation, of a backend on the engine itself or of a server.
import { basename } from 'node:path'
import { formatTable } from '@tandem/cli'
import type { CommandContext, ExitCode } from '@tandem/cli'
import { computeOptions, defineOptions, kvCacheOptions, parseOptions } from '@tandem/core'
import type { OptionsOf } from '@tandem/core'
import { defaultModelPath } from '@tandem/default-model'
import { chooseComputeDtype, createColocatedEngine } from '@tandem/engine'
import type { AttentionEngine } from '@tandem/engine'
import { openModel } from '@tandem/model'
import { loadTokenizer } from '@tandem/tokenizer'
import { BenchRun } from '../bench-run.js'
import { progressBar } from '../load/rounds.js'
import { describeSurroundings, surroundingsText } from '../machine.js'
import { writeReport } from '../report-file.js'
import { firstModel } from '../servers/http.js'
import { agreementOf } from './agreement.js'
import type { Score } from './agreement.js'
import { blocksFor, scoreText } from './engine-scores.js'
import { cutGolden, defaultGoldenPath, readGolden } from './golden.js'
import type { Golden } from './golden.js'
import { scoreTextOnServer } from './server-scores.js'

export const accuracyOptions = defineOptions({
  backend: { type: 'string', description: 'which backend is scored', default: 'auto', choices: ['auto', 'reference', 'cpu', 'cuda'] },
  ...kvCacheOptions,
  ...computeOptions,
  activationDtype: { type: 'string', description: 'what activations travel in', default: 'f32', choices: ['f32', 'bf16', 'fp8_e4m3'] },
  model: { type: 'string', description: 'GGUF file or Hugging Face directory, with --url for its tokenizer; the shipped one if not given' },
  golden: { type: 'string', description: 'JSON with token_ids, top1 and logprobs of a float32 implementation; that of the shipped model if not given' },
  url: { type: 'string', description: 'base URL of a server to score instead of a backend; it must take prompts as token ids, echo and logprobs' },
  positions: { type: 'integer', description: 'positions to score; 0 for all', default: 0, min: 0 },
  chunk: { type: 'integer', description: 'tokens of one step', default: 128, min: 1, max: 4096 },
  output: { type: 'string', description: 'file for the report as JSON' }
})
type AccuracyOptions = OptionsOf<typeof accuracyOptions>

const blockSize = 16

interface Outcome {
  /** What was scored, for the report. */
  readonly facts: Readonly<Record<string, string>>
  readonly scores: readonly Score[]
}

export async function runAccuracy (given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<ExitCode> {
  const options = parseOptions(accuracyOptions, { flags: given })
  const golden = cutGolden(readGolden(options.golden ?? defaultGoldenPath), options.positions)
  const surroundings = describeSurroundings()
  const { facts, scores } = await BenchRun.with(context, async run => options.url === undefined
    ? await scoreEngine(options, golden, run)
    : await scoreServer(options.url, options.model ?? defaultModelPath, golden, run))
  const agreement = agreementOf(golden, scores)
  context.terminal.out([
    surroundingsText(surroundings),
    `${Object.values(facts).join(', ')}; against ${golden.oracle}`,
    '',
    formatTable(['positions', 'top-1 equal', 'mean |delta logprob|', 'max'], [[
      String(agreement.numPositions), `${(agreement.top1Share * 100).toFixed(2)}%`, agreement.meanAbsDelta.toFixed(5), agreement.maxAbsDelta.toFixed(4)
    ]])
  ].join('\n'))
  writeReport(options.output, { bench: 'accuracy', ...surroundings, ...facts, oracle: golden.oracle, ...agreement })
  return 0
}

async function scoreEngine (options: AccuracyOptions, golden: Golden, run: BenchRun): Promise<Outcome> {
  run.say('loading the model')
  const engine = await openEngine(options, golden.tokenIds.length)
  try {
    const numTokens = golden.tokenIds.length
    const onProgress = (numDone: number) => run.say(`${progressBar(numDone / numTokens)} scoring ${numTokens} tokens`)
    const scores = await scoreText(engine, golden.tokenIds, options.chunk, onProgress, run.signal)
    const { backend, reason } = engine.info
    const model = basename(options.model ?? defaultModelPath)
    const facts = { model, backend, backendReason: reason, kv: `KV ${engine.kvCache.dtype}`, activations: `activations ${options.activationDtype}` }
    return { scores, facts }
  } finally {
    await engine.dispose()
  }
}

async function scoreServer (url: string, modelPath: string, golden: Golden, run: BenchRun): Promise<Outcome> {
  const base = url.replace(/\/+$/, '').replace(/\/v1$/, '')
  const server = { url: base, model: await firstModel('the server', base) }
  const tokenizer = await loadTokenizer((await openModel(modelPath)).tokenizer)
  run.say(`scoring ${golden.tokenIds.length} tokens`)
  const showToken = (tokenId: number) => Buffer.from(tokenizer.tokenBytes(tokenId)).toString('utf8')
  return { facts: { model: server.model, url: base }, scores: await scoreTextOnServer(server, golden, showToken, run.signal) }
}

async function openEngine (options: AccuracyOptions, numTokens: number): Promise<AttentionEngine> {
  chooseComputeDtype(options.backend, options.computeDtype)
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
