import { describe, expect, it } from 'vitest'
import { decoderOf, dequantizeBytes, dequantizeColumns, dequantizeRow, dequantizeRows } from '../../src/dequantize/decode.js'
import type { StoredRows } from '../../src/dequantize/stored-rows.js'
import { bytesOfElements, dtypeBlockBytes, dtypeBlockLength } from '../../src/weights/dtypes.js'
import { tensorDtypes } from '../../src/weights.js'
import type { TensorDtype } from '../../src/weights.js'
import { bytesOf, floatsOf, readGolden } from '../support/golden.js'
import { below, seededRandom } from '../support/random.js'

const golden = readGolden<Record<TensorDtype, { bytes: string, values: string }>>('dequantize.json')

/** The golden row as a matrix of one row. */
function goldenRow (dtype: TensorDtype): { rows: StoredRows, values: Float32Array } {
  const values = floatsOf(golden[dtype].values)
  const bytes = bytesOf(golden[dtype].bytes)
  return { rows: { name: dtype, dtype, numRows: 1, numColumns: values.length, bytes, rowBytes: bytes.length }, values }
}

describe('decoding', () => {
  it.each(tensorDtypes)('decodes %s to the bits gguf-py and torch give', dtype => {
    const { rows, values } = goldenRow(dtype)
    const out = new Float32Array(values.length)
    dequantizeRow(rows, 0, out)
    expect(out).toEqual(values)
    expect(dequantizeBytes(dtype, rows.bytes, values.length)).toEqual(values)
  })

  it.each(tensorDtypes)('decodes %s at an odd byte offset and into the middle of an array', dtype => {
    const { rows, values } = goldenRow(dtype)
    const shifted = new Uint8Array(rows.bytes.length + 1)
    shifted.set(rows.bytes, 1)
    const out = new Float32Array(values.length + 3).fill(7)
    decoderOf(dtype)(shifted, 1, values.length, out.subarray(1), 1)
    expect(out.subarray(2, -1)).toEqual(values)
    expect([out[0], out[1], out[out.length - 1]]).toEqual([7, 7, 7])
  })

  it.each(tensorDtypes)('decodes any block-aligned columns of %s', dtype => {
    const { rows, values } = goldenRow(dtype)
    const blockLength = dtypeBlockLength(dtype)
    const numBlocks = values.length / blockLength
    for (let first = 0; first < numBlocks; first++) {
      const out = new Float32Array(values.length - first * blockLength)
      dequantizeColumns(rows, 0, first * blockLength, values.length, out)
      expect(out).toEqual(values.subarray(first * blockLength))
    }
  })

  it('has the two NaNs of e4m3', () => {
    expect([...dequantizeBytes('F8_E4M3', Uint8Array.of(0x7f, 0xff, 0x7e, 0xfe), 4)]).toEqual([NaN, NaN, 448, -448])
  })

  it('keeps the infinities and NaN of halves', () => {
    const halves = new Uint8Array(Uint16Array.of(0x7c00, 0xfc00, 0x7e00, 0x3c00).buffer)
    expect([...dequantizeBytes('F16', halves, 4)]).toEqual([Infinity, -Infinity, NaN, 1])
  })

  it('refuses columns that cut a block, rows outside and arrays that are too short', () => {
    const { rows, values } = goldenRow('Q8_0')
    const out = new Float32Array(values.length)
    expect(() => dequantizeColumns(rows, 0, 16, 48, out)).toThrow(/columns 16..48 of Q8_0 .* cut a block of 32/)
    expect(() => dequantizeRow(rows, 1, out)).toThrow(/row 1, /)
    expect(() => dequantizeRow(rows, 0, out, 1)).toThrow(/do not fit into 95 elements/)
    expect(() => dequantizeBytes('Q8_0', rows.bytes.subarray(1), values.length)).toThrow(/fewer/)
  })
})

describe('block scales', () => {
  it('multiplies every element by the scale of its block, wherever the slice starts', () => {
    const random = seededRandom(7)
    const [blockRows, blockColumns, numRows, numColumns] = [4, 8, 11, 29]
    const codes = Uint8Array.from({ length: numRows * numColumns }, () => below(random, 0x7f))
    const scaleColumns = Math.ceil(numColumns / blockColumns)
    const scales = Float32Array.from({ length: Math.ceil(numRows / blockRows) * scaleColumns }, () => random() + 0.5)
    const whole: StoredRows = {
      name: 'w', dtype: 'F8_E4M3', numRows, numColumns, bytes: codes, rowBytes: numColumns,
      blockScale: { values: scales, numColumns: scaleColumns, blockRows, blockColumns, rowPhase: 0, columnPhase: 0 }
    }
    const plain = dequantizeBytes('F8_E4M3', codes, codes.length)
    const expected = plain.map((value, i) => {
      const row = Math.floor(i / numColumns)
      return value * scales[Math.floor(row / blockRows) * scaleColumns + Math.floor(i % numColumns / blockColumns)]!
    })
    const all = new Float32Array(codes.length)
    dequantizeRows(whole, 0, numRows, all)
    expect(all).toEqual(expected)

    // Rows 6.. and columns 5.. of it, with the scales cut at the block in front.
    const slice: StoredRows = {
      name: 'slice', dtype: 'F8_E4M3', numRows: 1, numColumns: 20, bytes: codes.slice(6 * numColumns + 5, 6 * numColumns + 25), rowBytes: 20,
      blockScale: { values: scales.slice(scaleColumns), numColumns: scaleColumns, blockRows, blockColumns, rowPhase: 2, columnPhase: 5 }
    }
    const out = new Float32Array(20)
    dequantizeRow(slice, 0, out)
    expect(out).toEqual(expected.slice(6 * numColumns + 5, 6 * numColumns + 25))
  })
})

describe('sizes', () => {
  it.each(tensorDtypes)('agree with the golden bytes of %s', dtype => {
    const { rows, values } = goldenRow(dtype)
    expect(bytesOfElements(dtype, values.length)).toBe(rows.bytes.length)
    expect(values.length % dtypeBlockLength(dtype)).toBe(0)
    expect(rows.bytes.length % dtypeBlockBytes(dtype)).toBe(0)
  })
})
