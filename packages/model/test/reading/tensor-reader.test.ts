import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TensorReader } from '../../src/reading/tensor-reader.js'
import { rowBytesOf } from '../../src/weights/dtypes.js'
import type { TensorRef } from '../../src/weights.js'
import { bytesOf, floatsOf, readGolden } from '../support/golden.js'
import { float32Bytes } from '../support/safetensors-file.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** A file of `numRows` rows whose element [r, c] is r * numColumns + c, with 3 bytes in front. */
async function countingMatrix (numRows: number, numColumns: number): Promise<TensorRef> {
  const values = float32Bytes(Array.from({ length: numRows * numColumns }, (_, i) => i))
  const directory = await temporaryDirectory({ file: Buffer.concat([Buffer.alloc(3), values]) })
  return { name: 'w', dtype: 'F32', shape: [numRows, numColumns], path: join(directory, 'file'), offset: 3, byteLength: values.length }
}

describe('TensorReader', () => {
  it('reads whole tensors, rows and columns', async () => {
    const ref = await countingMatrix(5, 6)
    const reader = new TensorReader()
    expect([...await reader.readFloat32(ref)]).toEqual(Array.from({ length: 30 }, (_, i) => i))
    expect([...await reader.readFloat32(ref, { rowStart: 2, rowEnd: 3 })]).toEqual([12, 13, 14, 15, 16, 17])
    expect([...await reader.readFloat32(ref, { rowStart: 3, colStart: 4 })]).toEqual([22, 23, 28, 29])
    expect([...await reader.readFloat32(ref, { rowStart: 1, rowEnd: 1 })]).toEqual([])
    expect((await reader.readRaw(ref, 4, 5)).length).toBe(rowBytesOf(ref))
    expect(await reader.readRows(ref, { colStart: 1, colEnd: 3 })).toMatchObject({ numRows: 5, numColumns: 2, rowBytes: 8, dtype: 'F32' })
    await reader.close()
  })

  it('gathers columns over several reads, and of rows too long to gather', async () => {
    // 3000 rows of 1600 bytes are more than one scratch buffer; rows of 80,000 bytes are read one by one.
    for (const [numRows, numColumns] of [[3000, 400], [7, 20_000]] as const) {
      const ref = await countingMatrix(numRows, numColumns)
      const reader = new TensorReader()
      const columns = await reader.readFloat32(ref, { colStart: numColumns - 2, colEnd: numColumns })
      expect([...columns]).toEqual(Array.from({ length: numRows * 2 }, (_, i) => (i >> 1) * numColumns + numColumns - 2 + i % 2))
      await reader.close()
    }
  })

  it('reads a vector as one row, and quantised rows by blocks', async () => {
    const golden = readGolden<Record<string, { bytes: string, values: string }>>('dequantize.json').Q4_1
    const bytes = bytesOf(golden?.bytes ?? '')
    const path = join(await temporaryDirectory({ file: bytes }), 'file')
    const ref: TensorRef = { name: 'q', dtype: 'Q4_1', shape: [96], path, offset: 0, byteLength: bytes.length }
    const reader = new TensorReader()
    const values = floatsOf(golden?.values ?? '')
    expect(await reader.readFloat32(ref)).toEqual(values)
    expect(await reader.readFloat32(ref, { colStart: 32, colEnd: 64 })).toEqual(values.slice(32, 64))
    await expect(reader.readFloat32(ref, { colStart: 16 })).rejects.toThrow(/cut a block of 32/)
    await expect(reader.readFloat32(ref, { rowEnd: 2 })).rejects.toThrow(/outside/)
    await reader.close()
  })

  it('cuts block scales to the slice that is read', async () => {
    const codes = new Uint8Array(12 * 20).fill(0x38) // 1.0
    const scales = float32Bytes(Array.from({ length: 3 * 3 }, (_, i) => i))
    const directory = await temporaryDirectory({ codes, scales })
    const scaleRef: TensorRef = { name: 's', dtype: 'F32', shape: [3, 3], path: join(directory, 'scales'), offset: 0, byteLength: scales.length }
    const ref: TensorRef = {
      name: 'w', dtype: 'F8_E4M3', shape: [12, 20], path: join(directory, 'codes'), offset: 0, byteLength: codes.length,
      blockScale: { ref: scaleRef, blockRows: 4, blockColumns: 8 }
    }
    const reader = new TensorReader()
    expect([...await reader.readFloat32(ref, { rowStart: 7, rowEnd: 9, colStart: 15, colEnd: 18 })]).toEqual([4, 5, 5, 7, 8, 8])
    const rows = await reader.readRows(ref, { rowStart: 7, rowEnd: 9, colStart: 15 })
    expect(rows.blockScale).toMatchObject({ numColumns: 2, rowPhase: 3, columnPhase: 7 })
    await reader.close()
  })

  it('names the tensor when the file was cut or removed after it was opened', async () => {
    const ref = await countingMatrix(4, 4)
    const reader = new TensorReader()
    await truncate(ref.path, 40)
    await expect(reader.readFloat32(ref)).rejects.toMatchObject({ code: 'model_file_truncated', facts: { part: 'tensor w' } })
    await expect(reader.readFloat32(ref, { colStart: 1, colEnd: 2 })).rejects.toMatchObject({ code: 'model_file_truncated' })
    await expect(reader.readFloat32({ ...ref, path: `${ref.path}.gone` })).rejects.toMatchObject({ code: 'model_file_unreadable' })
    await reader.close()
  })
})
