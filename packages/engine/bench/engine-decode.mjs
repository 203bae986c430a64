// Measures decode and prefill of the engines alone: no scheduler, no HTTP. AFD (an FFN engine in a second process, over
// shm or tcp) against colocated (both in one), same threads, same run. Prints a table and writes JSON with --json FILE.
//
//   node bench/engine-decode.mjs [--model PATH] [--sequences 1,8,32] [--connectors loopback,shm,tcp] [--ubatches 1]
//                                [--tokens 64] [--prompt 16] [--threads 0] [--backend cpu] [--kv-dtype int8]
//                                [--json FILE]
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { greedySampling } from '@tandem/core'
import { createAttentionEngine, createFfnEngine, resolveBackend } from '@tandem/engine'
import { openModel } from '@tandem/model'

const defaultModel = fileURLToPath(new URL('../../default-model/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url))
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: defaultModel },
    sequences: { type: 'string', default: '1,8,32' },
    connectors: { type: 'string', default: 'loopback,shm' },
    ubatches: { type: 'string', default: '1' },
    tokens: { type: 'string', default: '64' },
    prompt: { type: 'string', default: '16' },
    threads: { type: 'string', default: '0' },
    backend: { type: 'string', default: 'auto' },
    'kv-dtype': { type: 'string', default: 'auto' },
    json: { type: 'string' }
  }
})
const BLOCK_SIZE = 16
const shards = { start: 0, end: 8 }

async function ffnEngine (connector) {
  const engine = await createFfnEngine({
    model: await openModel(values.model),
    backend: values.backend,
    connector,
    host: '127.0.0.1',
    port: 0,
    advertiseHost: '127.0.0.1',
    clusterToken: '',
    numThreads: Number(values.threads),
    maxQueuedFrames: 64
  })
  await engine.assign({ epoch: 1, instanceIdx: 0, rank: 0, size: 1, split: 'tp', shards })
  return engine
}

/** The child process: an FFN engine that answers `stats` and ends with its parent. */
async function runFfnProcess (connector) {
  const engine = await ffnEngine(connector)
  process.on('message', () => { process.send({ stats: engine.stats(), rssBytes: process.memoryUsage().rss }) })
  process.on('disconnect', () => { engine.dispose().then(() => process.exit(0)) })
  process.send({ endpoints: engine.endpoints, weightBytes: engine.info.weightBytes })
}

const nextMessage = child => new Promise((resolve, reject) => {
  child.once('message', resolve)
  child.once('exit', code => { reject(new Error(`the FFN process ended with ${code}`)) })
})

async function openTopology (connector) {
  if (connector === 'loopback') {
    const engine = await ffnEngine(connector)
    return { endpoints: engine.endpoints, stats: async () => ({ stats: engine.stats() }), close: () => engine.dispose() }
  }
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { env: { ...process.env, TANDEM_BENCH_FFN: connector } })
  const { endpoints } = await nextMessage(child)
  return {
    endpoints,
    stats: async () => { child.send('stats'); return await nextMessage(child) },
    close: async () => { const gone = new Promise(resolve => { child.removeAllListeners('exit').once('exit', resolve) }); child.disconnect(); await gone }
  }
}

/** Two plans are always given, as the scheduler does. */
async function runPlans (engine, numPlans, planOf) {
  const totals = { stepUs: 0, attentionUs: 0, ffnWaitUs: 0, sampleUs: 0 }
  const inFlight = []
  const startMs = performance.now()
  for (let i = 0; i < numPlans; i++) {
    inFlight.push(engine.step(planOf(i)))
    if (inFlight.length === 2) collect(totals, await inFlight.shift())
  }
  for (const step of inFlight) collect(totals, await step)
  const ms = performance.now() - startMs
  return { ms, perStepUs: Object.fromEntries(Object.entries(totals).map(([name, us]) => [name, us / numPlans])) }
}

function collect (totals, { timings }) {
  for (const name of Object.keys(totals)) totals[name] += timings[name]
}

async function measure (engine, numSequences, numUbatches, stepId) {
  const numPrompt = Number(values.prompt)
  const numTokens = Number(values.tokens)
  const blocksPerSequence = Math.ceil((numPrompt + numTokens + 1) / BLOCK_SIZE)
  const ids = Array.from({ length: numSequences }, (_, i) => i)
  const plan = (fields) => ({ stepId: stepId.next++, removedSeqIds: [], newSequences: [], scheduled: [], ffnInstanceOfUbatch: [], ...fields })
  const ubatchOf = seqId => seqId % numUbatches
  const prefill = await runPlans(engine, 1, () => plan({
    newSequences: ids.map(seqId => ({
      seqId,
      tokenIds: Array.from({ length: numPrompt }, (_, i) => 100 + (seqId * 37 + i * 11) % 5000),
      numPromptTokens: numPrompt,
      maxTokens: numTokens + 1,
      sampling: greedySampling
    })),
    scheduled: ids.map(seqId => ({
      seqId,
      numComputedTokens: 0,
      numScheduledTokens: numPrompt,
      ubatchIdx: ubatchOf(seqId),
      newBlockIds: Array.from({ length: blocksPerSequence }, (_, i) => seqId * blocksPerSequence + i)
    }))
  }))
  const decode = await runPlans(engine, numTokens - 1, i => plan({
    scheduled: ids.map(seqId => ({ seqId, numComputedTokens: numPrompt + i, numScheduledTokens: 1, ubatchIdx: ubatchOf(seqId), newBlockIds: [] }))
  }))
  await engine.step(plan({ removedSeqIds: ids }))
  return {
    numSequences,
    prefillTokensPerSecond: numSequences * numPrompt / prefill.ms * 1000,
    decodeTokensPerSecond: numSequences * (numTokens - 1) / decode.ms * 1000,
    decodeStepUs: decode.perStepUs
  }
}

async function main () {
  const model = await openModel(values.model)
  const stepId = { next: 1 }
  const rows = []
  for (const connector of values.connectors.split(',')) {
    const topology = await openTopology(connector)
    const engine = await createAttentionEngine({
      model,
      backend: values.backend,
      kvBlocks: 4096,
      blockSize: BLOCK_SIZE,
      kvDtype: values['kv-dtype'],
      maxModelLen: 4096,
      activationDtype: 'f32',
      connector: connector === 'loopback' ? 'auto' : connector,
      clusterToken: '',
      ffnTimeoutMs: 10_000,
      numThreads: Number(values.threads),
      workerNumber: 1,
      onPeerDown: () => {}
    })
    const members = [{ workerId: 'ffn-0', shards, endpoints: topology.endpoints }]
    await engine.setTopology({ epoch: 1, split: 'tp', instances: [{ instanceIdx: 0, members }] })
    for (const numUbatches of values.ubatches.split(',').map(Number)) {
      for (const numSequences of values.sequences.split(',').map(Number)) {
        if (numUbatches > numSequences) continue
        await measure(engine, numSequences, numUbatches, stepId)
        const before = (await topology.stats()).stats
        const row = await measure(engine, numSequences, numUbatches, stepId)
        const { stats: after, rssBytes } = await topology.stats()
        const ffnComputeUs = (after.computeUs - before.computeUs) / Number(values.tokens)
        rows.push({ connector, numUbatches, ...row, ffnComputeUs, ffnRssBytes: rssBytes })
      }
    }
    await engine.dispose()
    await topology.close()
  }
  report(rows)
}

function report (rows) {
  const machine = `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`
  const result = { machine, backend: resolveBackend(values.backend), model: values.model.split('/').at(-1), options: values, rows }
  console.log(`${machine}; ${result.backend.reason}; ${result.model}`)
  console.table(rows.map(row => ({
    connector: row.connector,
    ubatches: row.numUbatches,
    sequences: row.numSequences,
    'decode tok/s': row.decodeTokensPerSecond.toFixed(1),
    'prefill tok/s': row.prefillTokensPerSecond.toFixed(0),
    'step us': row.decodeStepUs.stepUs.toFixed(0),
    attention: row.decodeStepUs.attentionUs.toFixed(0),
    'ffn wait': row.decodeStepUs.ffnWaitUs.toFixed(0),
    sample: row.decodeStepUs.sampleUs.toFixed(0),
    'ffn compute': row.ffnComputeUs.toFixed(0)
  })))
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(result, null, 2))
}

if (process.env.TANDEM_BENCH_FFN !== undefined) await runFfnProcess(process.env.TANDEM_BENCH_FFN)
else await main()
