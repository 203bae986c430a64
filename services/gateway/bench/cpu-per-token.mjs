// Owns the measurement of the gateway's CPU time per streamed token: a built gateway process with the shipped model, a scheduler that
// sends one token per stream and step, and a client process that reads all streams. Run after `npm run build`:
//   node services/gateway/bench/cpu-per-token.mjs [streams] [tokens per stream] [step ms]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openModel } from '@tandem/model'
import { createGrpcServer, SchedulerClientConstructor } from '@tandem/protocol'
import { loadTokenizer } from '@tandem/tokenizer'

const modelPath = fileURLToPath(new URL('../../../packages/default-model/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url))
const gatewayMain = fileURLToPath(new URL('../dist/main.js', import.meta.url))
/** Clock ticks of /proc are 10 ms on Linux. */
const TICK_US = 10_000

if (process.argv[2] === '--client') await readStreams(...process.argv.slice(3))
else await measure(...process.argv.slice(2).map(Number))

async function readStreams (url, numStreams, maxTokens) {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: true, max_tokens: Number(maxTokens) })
  const sizes = await Promise.all(Array.from({ length: Number(numStreams) }, async () => {
    const request = http.request(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' } })
    request.end(body)
    const [response] = await once(request, 'response')
    let numBytes = 0
    for await (const data of response) numBytes += data.length
    return numBytes
  }))
  process.send(sizes.reduce((sum, size) => sum + size, 0))
}

async function measure (numStreams = 32, maxTokens = 1000, stepMs = 4) {
  const model = await openModel(modelPath)
  const tokenizer = await loadTokenizer(model.tokenizer)
  const tokenIds = tokenizer.encode(readFileSync(new URL('../../../ARCHITECTURE.md', import.meta.url), 'utf8'), { addSpecialTokens: false })
  const scheduler = await startScheduler(model.fingerprint)
  const gateway = spawn(process.execPath, [gatewayMain], {
    env: { ...process.env, TANDEM_MODEL: modelPath, TANDEM_PORT: '0', TANDEM_SCHEDULER_ADDRESS: `127.0.0.1:${scheduler.port}` },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const url = await urlOf(gateway)
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores, node ${process.version}; ${numStreams} streams, a step every ${stepMs} ms or more`)
  // The first round warms up.
  for (let round = 0; round < 3; round++) {
    const { userUs, systemUs, numBytes } = await runRound(scheduler, gateway.pid, url, { numStreams, maxTokens, stepMs, tokenIds })
    const perToken = value => (value / (numStreams * maxTokens)).toFixed(1)
    console.log(`round ${round}: ${perToken(userUs + systemUs)} us per token (user ${perToken(userUs)}, system ${perToken(systemUs)}), ${perToken(numBytes)} bytes`)
  }
  gateway.kill('SIGTERM')
  await once(gateway, 'exit')
  await scheduler.close()
}

async function runRound (scheduler, pid, url, { numStreams, maxTokens, stepMs, tokenIds }) {
  scheduler.requestIds.length = 0
  const client = spawn(process.execPath, [fileURLToPath(import.meta.url), '--client', url, numStreams, maxTokens], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const finished = once(client, 'message')
  while (scheduler.requestIds.length < numStreams) await delay(5)
  const before = cpuOf(pid)
  for (let step = 1; step <= maxTokens; step++) {
    const finishReason = step === maxTokens ? 'FINISH_REASON_LENGTH' : 'FINISH_REASON_UNSPECIFIED'
    scheduler.send(scheduler.requestIds.map((requestId, idx) => ({
      requestId, finishReason, tokens: [{ tokenId: tokenIds[(step + idx * 97) % tokenIds.length] }]
    })))
    await delay(stepMs)
  }
  const [numBytes] = await finished
  const after = cpuOf(pid)
  return { numBytes, userUs: after.userUs - before.userUs, systemUs: after.systemUs - before.systemUs }
}

async function startScheduler (modelFingerprint) {
  const server = createGrpcServer({ host: '127.0.0.1', port: 0, clusterToken: '' })
  const requestIds = []
  let stream
  server.server.addService(SchedulerClientConstructor.service, {
    Serve (call) {
      stream = call
      call.write({ state: { ready: true, reason: '', modelName: 'bench', modelFingerprint, maxModelLen: 8192 } })
      call.on('data', message => { if (message.generate) requestIds.push(message.generate.requestId) })
      call.on('end', () => { call.end() })
    }
  })
  const port = await server.listen()
  return { port, requestIds, send: events => { stream.write({ events }) }, close: () => server.close(0) }
}

async function urlOf (gateway) {
  let url = ''
  for await (const line of createInterface({ input: gateway.stdout })) {
    const entry = JSON.parse(line)
    if (entry.address) url = `http://${entry.address}`
    if (entry.ready) break
  }
  gateway.stdout.resume()
  return url
}

function cpuOf (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return { userUs: Number(fields[11]) * TICK_US, systemUs: Number(fields[12]) * TICK_US }
}
