// Owns the kernel bench: what the machine can do (read bandwidth, arithmetic peak of the dispatched path) and how near to it each
// product comes. Needs the built addon, nothing else.
//
//   node packages/engine/bench/kernels.mjs [--isa PATH] [--threads N] [--rows 1,8,32,512] [--tries N] [--json FILE]
//
// PATH: portable, avx2, avx2_vnni, avx512, amx, amx_bf16, neon, neon_dotprod or neon_i8mm; without it the best one of the machine.
// Weights are random; shapes and types are those of SmolLM2-135M as shipped. The same shape is packed several times so that the
// weights together exceed the caches, as a model's do. Every figure is the best of several short runs.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const isaPaths = ['portable', 'avx2', 'avx2_vnni', 'avx512', 'amx', 'amx_bf16', 'neon', 'neon_dotprod', 'neon_i8mm']
const dtypes = {
  F32: { index: 0, blockLength: 1, blockBytes: 4, peak: 'f32' },
  BF16: { index: 2, blockLength: 1, blockBytes: 2, peak: 'f32' },
  Q8_0: { index: 4, blockLength: 32, blockBytes: 34, peak: 'int8' },
  Q4_1: { index: 6, blockLength: 32, blockBytes: 20, peak: 'int4' }
}
const products = [
  { name: 'attn_q, attn_output', numOutputs: 576, numInputs: 576, dtype: 'Q4_1', perModel: 60 },
  { name: 'attn_k, attn_v', numOutputs: 192, numInputs: 576, dtype: 'Q4_1', perModel: 60 },
  { name: 'ffn_gate, ffn_up', numOutputs: 1536, numInputs: 576, dtype: 'Q4_1', perModel: 60 },
  { name: 'ffn_down', numOutputs: 576, numInputs: 1536, dtype: 'Q4_1', perModel: 30 },
  { name: 'lm_head', numOutputs: 49152, numInputs: 576, dtype: 'Q8_0', perModel: 1 },
  { name: 'ffn_gate as BF16', numOutputs: 1536, numInputs: 576, dtype: 'BF16', perModel: 0 },
  { name: 'ffn_gate as F32', numOutputs: 1536, numInputs: 576, dtype: 'F32', perModel: 0 }
]
const workingSetBytes = 48 * 2 ** 20

function loadKernels () {
  const path = fileURLToPath(new URL('../build/Release/tandem_kernels.node', import.meta.url))
  if (!existsSync(path)) throw new Error('the kernels are not built: node packages/engine/scripts/build-native.mjs')
  return createRequire(import.meta.url)(path)
}

function randomBytes (dtype, numElements) {
  const { blockLength, blockBytes } = dtypes[dtype]
  const bytes = new Uint8Array(numElements / blockLength * blockBytes)
  let state = 1
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = (state >>> 16) & 0x3f
    // The upper byte of a float: an ordinary number, never one too small to be normal, which some CPUs take a hundred times longer over.
    if (blockLength === 1 && i % blockBytes === blockBytes - 1) bytes[i] |= 0x38
  }
  return bytes
}

function packCopies (kernels, { numOutputs, numInputs, dtype }) {
  const data = randomBytes(dtype, numOutputs * numInputs)
  const numCopies = Math.max(1, Math.ceil(workingSetBytes / data.length))
  const stored = { dtype: dtypes[dtype].index, numRows: numOutputs, numColumns: numInputs, data }
  const whole = { rowBegin: 0, rowEnd: numOutputs, columnBegin: 0, columnEnd: numInputs }
  return Array.from({ length: numCopies }, () => kernels.packMatrix({ ...stored, ...whole }))
}

/** Best time of one product. */
function measureProduct (kernels, product, rows, numThreads, tries) {
  const matrices = packCopies(kernels, product)
  return rows.map(numRows => {
    const x = Float32Array.from({ length: numRows * product.numInputs }, (_, i) => Math.sin(i))
    // Enough copies to leave the caches, few enough for a run of tens of milliseconds.
    const used = numRows > 64 ? matrices.slice(0, Math.ceil(matrices.length / 8)) : matrices
    const seconds = kernels.benchMatmul(used, x, numRows, numThreads, tries)
    const numOps = 2 * numRows * product.numOutputs * product.numInputs
    const numBytes = kernels.matrixBytes(matrices[0])
    return { ...product, numRows, seconds, numOps, numBytes, opsPerSecond: numOps / seconds, bytesPerSecond: numBytes / seconds }
  })
}

/** Adds the time of the roofline: the slower of reading the weights once and doing the arithmetic. */
function withRoofline (measured, machine) {
  const boundSeconds = Math.max(measured.numOps / peakFor(machine, measured.dtype), measured.numBytes / machine.bandwidth)
  return { ...measured, boundSeconds, rooflineShare: boundSeconds / measured.seconds }
}

/** The path amx_bf16 multiplies all but float32 in bf16. */
function measureMachine (kernels, isa, numThreads) {
  const peak = kind => kernels.benchPeak(kind, numThreads, 20)
  const bandwidth = kernels.benchBandwidth(2 ** 27, numThreads, 8)
  if (isa === 'AMX BF16') return { bandwidth, peaks: { bf16: peak('int8'), f32: peak('f32') } }
  return { bandwidth, peaks: { int4: peak('int4'), int8: peak('int8'), f32: peak('f32') } }
}

/** A neighbour on the same cores can only hide what a machine can do. */
function bestOf (a, b) {
  const peaks = Object.fromEntries(Object.keys(a.peaks).map(kind => [kind, Math.max(a.peaks[kind], b.peaks[kind])]))
  return { bandwidth: Math.max(a.bandwidth, b.bandwidth), peaks }
}

function peakFor ({ peaks }, dtype) {
  return peaks.bf16 !== undefined && dtype !== 'F32' ? peaks.bf16 : peaks[dtypes[dtype].peak]
}

const attentionCases = [
  { name: 'decode, 32 sequences at 128', numSequences: 32, numRows: 1, contextLength: 128 },
  { name: 'decode, 8 sequences at 1024', numSequences: 8, numRows: 1, contextLength: 1024 },
  { name: 'prefill 512', numSequences: 1, numRows: 512, contextLength: 512 }
].flatMap(({ name, ...shape }) => [['f16', 1], ['bf16', 2], ['int8', 4]].map(([cache, dtype]) => ({ name: `${name}, ${cache}`, dtype, ...shape })))

function measureAttention (kernels) {
  return attentionCases.map(({ name, ...shape }) => {
    const heads = { mla: false, numHeads: 9, numKvHeads: 3, keyDim: 64, valueDim: 64 }
    const seconds = kernels.benchAttention({ ...heads, ...shape }, 10)
    const perRow = shape.numRows === 1 ? shape.contextLength : (shape.contextLength + 1) / 2
    const numOps = shape.numSequences * shape.numRows * perRow * heads.numHeads * 2 * (heads.keyDim + heads.valueDim)
    return { name, seconds, opsPerSecond: numOps / seconds }
  })
}

function commit () {
  try {
    const cwd = dirname(fileURLToPath(import.meta.url))
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

const giga = value => (value / 1e9).toFixed(value < 1e10 ? 1 : 0).padStart(6)
const micros = seconds => (seconds * 1e6).toFixed(1).padStart(9)
const percent = share => `${(share * 100).toFixed(0).padStart(4)} %`

function printReport (report) {
  const { machine, isa, numThreads } = report
  console.log(`${report.cpu}, ${isa}, ${numThreads} thread(s), commit ${report.commit}`)
  const peaks = Object.entries(machine.peaks).map(([kind, peak]) => `${kind} ${giga(peak)}`).join(', ')
  console.log(`read ${giga(machine.bandwidth)} GB/s; peaks, GOP/s: ${peaks}`)
  console.log(`empty parallel call ${micros(report.dispatchSeconds)} us\n`)
  console.log(`${'product'.padEnd(22)}${'shape'.padEnd(14)}type   rows        us   GOP/s    GB/s  of roofline`)
  for (const row of report.products) {
    const shape = `${row.numOutputs}x${row.numInputs}`
    const what = `${row.name.padEnd(22)}${shape.padEnd(14)}${row.dtype.padEnd(5)}${String(row.numRows).padStart(6)}`
    console.log(`${what} ${micros(row.seconds)}  ${giga(row.opsPerSecond)}  ${giga(row.bytesPerSecond)}  ${percent(row.rooflineShare)}`)
  }
  console.log('\nall products of one step of the model')
  for (const step of report.steps) {
    const share = percent(step.boundSeconds / step.seconds)
    const speed = (step.numRows / step.seconds).toFixed(0)
    console.log(`${String(step.numRows).padStart(5)} rows: ${(step.seconds * 1e3).toFixed(2)} ms, ${share} of the roofline, ${speed} rows/s`)
  }
  console.log('\nattention of one layer, 9 heads / 3 KV heads of 64, one thread')
  for (const { name, seconds, opsPerSecond } of report.attention) console.log(`${name.padEnd(36)}${micros(seconds)} us  ${giga(opsPerSecond)} GFLOP/s`)
}

function main () {
  const { values } = parseArgs({
    options: {
      isa: { type: 'string' }, threads: { type: 'string' }, rows: { type: 'string', default: '1,8,32,512' },
      tries: { type: 'string', default: '5' }, json: { type: 'string' }
    }
  })
  const kernels = loadKernels()
  if (values.isa !== undefined && !kernels.setIsa(isaPaths.indexOf(values.isa))) throw new Error(`this machine does not run ${values.isa}`)
  const numThreads = values.threads === undefined ? kernels.availableCores() : Number(values.threads)
  const rows = values.rows.split(',').map(Number)
  const isa = kernels.isaName(kernels.activeIsa())
  const before = measureMachine(kernels, isa, numThreads)
  const times = products.flatMap(product => measureProduct(kernels, product, rows, numThreads, Number(values.tries)))
  const machine = bestOf(before, measureMachine(kernels, isa, numThreads))
  const measured = times.map(time => withRoofline(time, machine))
  const steps = rows.map(numRows => {
    const sum = key => measured.reduce((total, row) => total + (row.numRows === numRows ? row.perModel * row[key] : 0), 0)
    return { numRows, seconds: sum('seconds'), boundSeconds: sum('boundSeconds') }
  })
  const report = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU', isa, numThreads, commit: commit(), machine,
    dispatchSeconds: kernels.benchDispatch(numThreads, 2000), products: measured, steps, attention: measureAttention(kernels)
  }
  printReport(report)
  if (values.json === undefined) return
  mkdirSync(dirname(values.json), { recursive: true })
  writeFileSync(values.json, JSON.stringify(report, null, 2) + '\n')
}

try {
  main()
} catch (error) {
  console.error(`kernel bench: ${error.message}`)
  process.exitCode = 1
}
