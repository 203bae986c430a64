// Owns the boundary to the kernels' test addon (csrc/test/addon): same names and order on both sides, plain data. Tests and benches
// use it; engines call the kernels in C++.
import type { TokenLogprobs } from '@tandem/core'
import { tensorDtypes, type TensorDtype } from '@tandem/model'
import type { ThreadPinning } from '../types.js'
import { loadAddon } from './load-addon.js'

/** In the order of csrc/kernels/isa.h. */
export const isaPaths = ['portable', 'avx2', 'avx2_vnni', 'avx512', 'amx', 'amx_bf16', 'neon', 'neon_dotprod', 'neon_i8mm'] as const
export type IsaPath = typeof isaPaths[number]

/** A PackedMatrix; freed by the garbage collector. */
export type MatrixHandle = object

export interface StoredMatrixInput {
  /** Index in `tensorDtypes`. */
  readonly dtype: number
  readonly numRows: number
  readonly numColumns: number
  readonly data: Uint8Array
  readonly rowBegin: number
  readonly rowEnd: number
  readonly columnBegin: number
  readonly columnEnd: number
  readonly blockScale?: Float32Array
  readonly blockRows?: number
  readonly blockColumns?: number
}

export interface TreePlan {
  readonly inputBegin: number
  readonly inputEnd: number
  readonly leafBegin: readonly number[]
  readonly rootLeaf: readonly number[]
}

export interface KvLayout {
  /** Index in `kvDtypes`. */
  readonly dtype: number
  readonly mla: boolean
  readonly blockSize: number
  readonly numKvHeads: number
  readonly keyDim: number
  readonly valueDim: number
}

export interface AttentionCallSequence {
  readonly firstRow: number
  readonly numRows: number
  readonly startPosition: number
  readonly blockTable: Int32Array
}

export interface AttentionCall {
  readonly layout: KvLayout
  readonly pool: Uint8Array
  readonly numHeads: number
  readonly scale: number
  readonly numThreads: number
  readonly sequences: readonly AttentionCallSequence[]
  /** [rows, numHeads * keyDim] */
  readonly queries: Float32Array
  /** [rows, numHeads * valueDim], written */
  readonly output: Float32Array
}

export interface RouteOptions {
  readonly numExperts: number
  readonly topK: number
  readonly sigmoid: boolean
  readonly numGroups: number
  readonly topKGroups: number
  readonly groupTop2Sum: boolean
  readonly normTopk: boolean
  readonly scalingFactor: number
  readonly bias?: Float32Array
}

export interface SampleOptions {
  readonly temperature: number
  readonly topK: number
  readonly topP: number
  readonly minP: number
  readonly seed: number
  readonly repetitionPenalty: number
  readonly presencePenalty: number
  readonly frequencyPenalty: number
  readonly biasIds: Int32Array
  readonly biasValues: Float64Array
}

export interface AttentionBench {
  readonly dtype: number
  readonly mla: boolean
  readonly numHeads: number
  readonly numKvHeads: number
  readonly keyDim: number
  readonly valueDim: number
  readonly numSequences: number
  readonly numRows: number
  readonly contextLength: number
}

export interface PlacementOptions {
  /** Folder that stands for / . */
  readonly root: string
  /** CPUs the process may use, ascending. */
  readonly affinity: readonly number[]
  /** 0: the default. */
  readonly numThreads: number
  readonly pinThreads: ThreadPinning
  readonly numaNode: 'auto' | 'off' | readonly number[]
  /** Node the process runs on. */
  readonly currentNode: number
}

export interface PlacementAnswer {
  readonly numThreads: number
  /** Empty: nodes do not matter. */
  readonly memoryNodes: readonly number[]
  readonly processCpus: readonly number[]
  /** Affinity a pool is constructed under; it binds when this has as many CPUs as the pool threads. */
  readonly poolCpus: readonly number[]
}

export interface KernelAddon {
  isaAvailable (isa: number): boolean
  setIsa (isa: number): boolean
  activeIsa (): number
  isaName (isa: number): string

  /** Throws with the reason when the range cannot be packed. */
  packMatrix (input: StoredMatrixInput): MatrixHandle
  matrixBytes (matrix: MatrixHandle): number
  unpackOutput (matrix: MatrixHandle, output: number): Float32Array
  /** Writes columns [columnBegin, columnEnd) of y [numRows, numOutputs]. */
  matmul (matrix: MatrixHandle, x: Float32Array, numRows: number, columnBegin: number, columnEnd: number, y: Float32Array, accumulate: boolean,
    bias?: Float32Array): void
  treePlan (intermediateSize: number, unitSize: number, firstLeaf: number, endLeaf: number): TreePlan
  /** One [numRows, numOutputs] array per subtree root. */
  matmulTree (matrix: MatrixHandle, x: Float32Array, numRows: number, intermediateSize: number, unitSize: number, firstLeaf: number,
    endLeaf: number): Float32Array[]
  /** One array per leaf, rows multiplied by `factor`. */
  matmulLeaves (matrix: MatrixHandle, x: Float32Array, numRows: number, intermediateSize: number, unitSize: number, firstLeaf: number,
    endLeaf: number, factor: Float32Array): Float32Array[]
  addTree (leaves: readonly Float32Array[]): Float32Array
  /** y[rowOf[r]] += factor[r] * (x[rowOf[r]] . w) for numRows entries of rowOf. */
  matmulScatter (matrix: MatrixHandle, x: Float32Array, numRows: number, rowOf: Int32Array, factor: Float32Array, y: Float32Array): void

  /** QuantBlocks of 64 bytes: 32 x i8 q, f32 scale, f32 scaled sum, ... (csrc/kernels/activations.h). */
  quantizeRows (x: Float32Array, numRows: number, numColumns: number): Uint8Array
  rmsNorm (x: Float32Array, weight: Float32Array, eps: number, numRows: number, y: Float32Array): void
  rmsNormQuantize (x: Float32Array, weight: Float32Array, eps: number, numRows: number, y: Float32Array): Uint8Array
  swiglu (gate: Float32Array, up: Float32Array, numRows: number, numColumns: number, y: Float32Array): void
  swigluQuantize (gate: Float32Array, up: Float32Array, numRows: number, numColumns: number): Uint8Array
  toBf16 (x: Float32Array): Uint16Array
  fromBf16 (bits: Uint16Array): Float32Array
  rope (x: Float32Array, numHeads: number, headStride: number,
    rope: { readonly dim: number, readonly interleaved: boolean, readonly invFreq: Float32Array, readonly attentionFactor: number },
    position: number): void
  route (logits: Float32Array, numRows: number, options: RouteOptions): { readonly topkIds: Uint16Array, readonly topkWeights: Float32Array }

  /** Throws with the reason when the layout is not supported. */
  kvBlockBytes (layout: KvLayout): number
  kvWrite (layout: KvLayout, pool: Uint8Array, slot: number, key: Float32Array, value: Float32Array): void
  kvRead (layout: KvLayout, pool: Uint8Array, slot: number, key: Float32Array, value: Float32Array): void
  attention (call: AttentionCall): void

  sampleToken (options: SampleOptions, tokenIds: Int32Array, numPromptTokens: number, position: number, logits: Float32Array): number
  logProbability (logits: Float32Array, tokenId: number, numTop: number): TokenLogprobs
  philox (counter: Uint32Array, key: Uint32Array): Uint32Array

  /** Operations per second of the active path's multiply-add. */
  benchPeak (kind: 'f32' | 'int8' | 'int4', numThreads: number, numTries: number): number
  /** Bytes per second. */
  benchBandwidth (numBytes: number, numThreads: number, numTries: number): number
  /** Seconds of one product; the matrices take turns. With one thread, of its own time. */
  benchMatmul (matrices: readonly MatrixHandle[], x: Float32Array, numRows: number, numThreads: number, numTries: number): number
  benchAttention (options: AttentionBench, numTries: number): number
  /** Seconds of an empty parallel_for. */
  benchDispatch (numThreads: number, numCalls: number): number
  availableCores (): number

  /** null: a listed node has no usable CPU. */
  placement (options: PlacementOptions): PlacementAnswer | null
  /** Cores the cgroup of a root's /proc/self/cgroup grants; 0: no limit. */
  cgroupQuota (root: string): number
  parseCpuList (list: string): number[]
}

export type LoadedKernels =
  | { readonly loaded: true, readonly kernels: KernelAddon }
  | { readonly loaded: false, readonly reason: string }

export function loadKernels (): LoadedKernels {
  const result = loadAddon('tandem_kernels')
  return result.loaded ? { loaded: true, kernels: result.addon as KernelAddon } : result
}

export function dtypeIndex (dtype: TensorDtype): number { return tensorDtypes.indexOf(dtype) }
