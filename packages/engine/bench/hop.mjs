// Measures the hop A -> F -> A between two processes: native shm and tcp next to the TypeScript tcp and grpc connectors, for
// payloads of 64 B, 36 KB (32 tokens x 576, bf16) and 0.9 MB (128 tokens x 7168, fp8) each way. Table, and JSON with --json FILE.
//
//   node bench/hop.mjs [--count 2000] [--json FILE]
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createGrpcConnector, createTcpConnector, MAX_FRAME_BYTES } from '@tandem/connector'

const { values } = parseArgs({ options: { count: { type: 'string', default: '2000' }, json: { type: 'string' } } })
const payloads = [64, 36_864, 917_504]
const kinds = ['native shm', 'native tcp', 'TypeScript tcp', 'grpc']
const digest = new Uint8Array(32)

function nativeAddon () {
  const path = fileURLToPath(new URL('../build/Release/tandem_native.node', import.meta.url))
  if (!existsSync(path)) throw new Error('the native engine is not built: node packages/engine/scripts/build-native.mjs')
  return createRequire(import.meta.url)(path)
}

function scriptConnector (kind) {
  return kind === 'grpc' ? createGrpcConnector({ clusterToken: '' }) : createTcpConnector()
}

async function serve (kind) {
  process.on('disconnect', () => { process.exit(0) })
  if (kind.startsWith('native')) {
    const server = nativeAddon().serveHops(kind.split(' ')[1], join(tmpdir(), `tandem-hop-${randomUUID().slice(0, 8)}.sock`))
    process.on('exit', () => { server.close() })
    process.send({ address: server.address })
    return
  }
  const listener = await scriptConnector(kind).listen({
    tokenDigest: digest, modelFingerprint: digest, workerId: 'f', host: '127.0.0.1', port: 0, advertiseHost: '127.0.0.1', maxQueuedFrames: 8, maxFrameBytes: MAX_FRAME_BYTES
  })
  process.send({ address: listener.endpoint })
  for (let delivery = await listener.recvAttnOutput(); delivery !== null; delivery = await listener.recvAttnOutput()) {
    const { epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, hidden } = delivery.frame
    await listener.sendFfnOutput(delivery, {
      kind: 'f2a', epoch, workerNumber, frameId, layerIdx, ubatchIdx, numTokens, hiddenSize, dtype: 'f32', partials: hidden, nodes: Uint8Array.of(1), computeUs: 0
    })
  }
}

async function measureScript (kind, endpoint, payloadBytes, count) {
  const hello = { kind: 'hello', workerNumber: 1, workerId: 'a', tokenDigest: digest, modelFingerprint: digest }
  const channel = await scriptConnector(kind).connect(endpoint, { hello, maxInFlight: 4, connectTimeoutMs: 5000 })
  const hidden = new Uint8Array(payloadBytes).fill(1)
  const times = []
  for (let frameId = 1; frameId <= count + 50; frameId++) {
    const startMs = performance.now()
    await channel.sendAttnOutput({
      kind: 'a2f', epoch: 1, workerNumber: 1, frameId, layerIdx: 0, ubatchIdx: 0, numTokens: 1, hiddenSize: payloadBytes / 4, dtype: 'f32',
      hidden, scales: new Float32Array(0), topK: 0, topkIds: new Uint16Array(0), topkWeights: new Float32Array(0)
    })
    await channel.recvFfnOutput(frameId)
    if (frameId > 50) times.push((performance.now() - startMs) * 1000)
  }
  await channel.close()
  return times
}

async function measure (kind) {
  const child = fork(fileURLToPath(import.meta.url), [], { env: { ...process.env, TANDEM_BENCH_HOP: kind } })
  const { address } = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', code => { reject(new Error(`the server ended with ${code}`)) })
  })
  const rows = []
  for (const payloadBytes of payloads) {
    const isNative = kind.startsWith('native')
    const count = isNative ? Number(values.count) : Math.min(Number(values.count), 300)
    const times = isNative
      ? await nativeAddon().measureHops(kind.split(' ')[1], address, payloadBytes, count)
      : await measureScript(kind, address, payloadBytes, count)
    const sorted = [...times].sort((a, b) => a - b)
    const at = share => Number(sorted[Math.floor(share * (sorted.length - 1))].toFixed(1))
    rows.push({ connector: kind, payloadBytes, p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) })
  }
  child.disconnect()
  return rows
}

if (process.env.TANDEM_BENCH_HOP !== undefined) {
  await serve(process.env.TANDEM_BENCH_HOP)
} else {
  const rows = []
  for (const kind of kinds) rows.push(...await measure(kind))
  const machine = `${cpus()[0]?.model ?? 'unknown'} x ${cpus().length}`
  console.log(`round trips between two processes, ${machine}`)
  console.table(rows)
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine, rows }, null, 2))
}
