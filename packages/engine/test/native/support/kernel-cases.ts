// Owns seeded inputs of the kernel parity tests and which instruction sets they run on.
import { dtypeBlockBytes, dtypeBlockLength, dequantizeRow, tensorDtypes, type StoredRows, type TensorDtype } from '@tandem/model'
import { isaPaths, loadKernels, type IsaPath, type KernelAddon, type MatrixHandle } from '../../../src/native/kernels.js'

/** xorshift32 in [0, 1). */
export function seededRandom (seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

export function seededFloats (seed: number, length: number, scale = 1): Float32Array {
  const random = seededRandom(seed)
  return Float32Array.from({ length }, () => (random() * 2 - 1) * scale)
}

const loaded = loadKernels()
export const kernelsOrNull: KernelAddon | null = loaded.loaded ? loaded.kernels : null
export const skipReason = loaded.loaded ? '' : loaded.reason
if (!loaded.loaded) console.log(`kernel tests skipped: ${loaded.reason}`)

export interface IsaCase { readonly isa: IsaPath, readonly index: number }
const allPaths: readonly IsaCase[] = isaPaths.map((isa, index) => ({ isa, index }))
/** Paths this machine runs; the others are reported once. */
export const availablePaths = allPaths.filter(({ isa, index }) => {
  const available = kernelsOrNull !== null && kernelsOrNull.isaAvailable(index)
  if (kernelsOrNull !== null && !available) console.log(`kernel path ${isa} skipped: this CPU does not have it`)
  return available
})

/** Paths that give the same bits: activations are rounded to 8 bits before they meet quantised weights. */
export const eightBitPaths = availablePaths.filter(({ isa }) => isa !== 'amx_bf16')
/** The path that rounds them to bf16, where there is one. */
export const bf16Paths = availablePaths.filter(({ isa }) => isa === 'amx_bf16')

/** The addon with path `index` active. */
export function kernelsOn (index: number): KernelAddon {
  if (kernelsOrNull === null || !kernelsOrNull.setIsa(index)) throw new Error(`path ${index} is not available`)
  return kernelsOrNull
}

/** Half-precision positions in a stored block and whether they are minima: keeps random blocks finite and of one magnitude. */
const halves: Readonly<Partial<Record<TensorDtype, readonly number[]>>> = {
  Q8_0: [0], Q4_0: [0], Q4_1: [0, 2], Q5_0: [0], Q5_1: [0, 2], Q4_K: [0, 2], Q5_K: [0, 2], Q6_K: [208]
}

/** A random matrix in its storage format; with `fill` every code byte is that one. */
export function randomRows (dtype: TensorDtype, numRows: number, numColumns: number, seed: number, fill?: number): StoredRows {
  const random = seededRandom(seed)
  const blockBytes = dtypeBlockBytes(dtype)
  const numBlocks = numRows * numColumns / dtypeBlockLength(dtype)
  const bytes = Uint8Array.from({ length: numBlocks * blockBytes }, () => fill ?? Math.floor(random() * 256))
  const view = new DataView(bytes.buffer)
  for (let block = 0; block < numBlocks; block++) {
    const at = block * blockBytes
    if (dtype === 'F32') view.setFloat32(at, random() - 0.5, true)
    // Magnitudes around 2^-7 .. 2^-5, either sign.
    const half = 0x2000 + Math.floor(random() * 0x800)
    if (dtype === 'F16') view.setUint16(at, half + (random() < 0.5 ? 0x8000 : 0), true)
    if (dtype === 'BF16') view.setUint16(at, 0x3c00 + Math.floor(random() * 0x200) + (random() < 0.5 ? 0x8000 : 0), true)
    if (dtype === 'F8_E4M3' && (bytes[at]! & 0x7f) === 0x7f) bytes[at] = 0x38
    halves[dtype]?.forEach((offset, i) => view.setUint16(at + offset, half + (i === 1 ? 0x8000 : 0), true))
  }
  const rows = { name: 'random', dtype, numRows, numColumns, bytes, rowBytes: bytes.length / numRows }
  if (dtype !== 'F8_E4M3') return rows
  const [blockRows, blockColumns] = [32, 64]
  const scaleColumns = Math.ceil(numColumns / blockColumns)
  const values = Float32Array.from({ length: Math.ceil(numRows / blockRows) * scaleColumns }, () => 0.001 + random() * 0.01)
  return { ...rows, blockScale: { values, numColumns: scaleColumns, blockRows, blockColumns, rowPhase: 0, columnPhase: 0 } }
}

export interface Range { readonly rowBegin: number, readonly rowEnd: number, readonly columnBegin: number, readonly columnEnd: number }

export function packRows (kernels: KernelAddon, rows: StoredRows, range?: Range): MatrixHandle {
  const { blockScale } = rows
  return kernels.packMatrix({
    dtype: tensorDtypes.indexOf(rows.dtype),
    numRows: rows.numRows,
    numColumns: rows.numColumns,
    data: rows.bytes,
    ...(range ?? { rowBegin: 0, rowEnd: rows.numRows, columnBegin: 0, columnEnd: rows.numColumns }),
    ...(blockScale === undefined
      ? {}
      : { blockScale: blockScale.values, blockRows: blockScale.blockRows, blockColumns: blockScale.blockColumns })
  })
}

/** [numRows, numColumns] float32 */
export function dequantized (rows: StoredRows): Float32Array {
  const out = new Float32Array(rows.numRows * rows.numColumns)
  for (let row = 0; row < rows.numRows; row++) dequantizeRow(rows, row, out, row * rows.numColumns)
  return out
}

/** How a block of activations is stored: x = scale * (code - zero), codes and zero in [-127, 127]. */
export interface BlockCodes { readonly scale: number, readonly zero: number, readonly codes: readonly number[] }

/** Codes of at most 32 activations: their range and 0 spread over 255 codes, rounded half to even; all of it in float32. */
export function quantizedBlock (x: Float32Array): BlockCodes {
  const step = Math.fround(1 / 254)
  const above = x.reduce((max, value) => Math.max(max, value), 0)
  const below = x.reduce((max, value) => Math.max(max, -value), 0)
  const scale = Math.fround(Math.fround(above * step) + Math.fround(below * step))
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
  const zero = roundHalfToEven(Math.fround(below * inverse)) - 127
  return { scale, zero, codes: Array.from(x, value => Math.min(roundHalfToEven(Math.fround(value * inverse)) + zero, 127)) }
}

/** x as the products read it: blocks of 32 rounded to codes. */
export function roundToInt8 (x: Float32Array): Float64Array {
  const rounded = new Float64Array(x.length)
  for (let start = 0; start < x.length; start += 32) {
    const { scale, zero, codes } = quantizedBlock(x.subarray(start, start + 32))
    codes.forEach((code, i) => { rounded[start + i] = scale * (code - zero) })
  }
  return rounded
}

export function roundHalfToEven (value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

/** y[r][c] = sum_k x[r][k] w[c][k] in double, and the sum of absolute products that bounds its rounding. */
export function exactProduct (x: ArrayLike<number>, weights: Float32Array, numRows: number, numOutputs: number, numInputs: number):
{ y: Float64Array, magnitude: Float64Array } {
  const y = new Float64Array(numRows * numOutputs)
  const magnitude = new Float64Array(numRows * numOutputs)
  for (let r = 0; r < numRows; r++) {
    for (let c = 0; c < numOutputs; c++) {
      let sum = 0
      let absolute = 0
      for (let k = 0; k < numInputs; k++) {
        const product = x[r * numInputs + k]! * weights[c * numInputs + k]!
        sum += product
        absolute += Math.abs(product)
      }
      y[r * numOutputs + c] = sum
      magnitude[r * numOutputs + c] = absolute
    }
  }
  return { y, magnitude }
}

/** The largest of measure(i) over the indices of an array; NaN when any is. One expectation instead of one for each element. */
export function largest (values: ArrayLike<number>, measure: (i: number) => number): number {
  let max = 0
  for (let i = 0; i < values.length; i++) {
    const value = measure(i)
    if (!(value <= max)) max = value
    if (Number.isNaN(max)) return max
  }
  return max
}
