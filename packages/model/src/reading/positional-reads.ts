// Owns the system calls of weight reading: a contiguous span, and rows at a stride.
import type { FileHandle } from 'node:fs/promises'

/** Rows of `rowBytes` bytes, `stride` bytes apart, the first at `position`. */
export interface StridedRows {
  readonly position: number
  readonly stride: number
  readonly rowBytes: number
  readonly numRows: number
}

/** One read call is at most this long: Node.js refuses 2 GiB, and shorter reads leave the loop free between them. */
const maxReadBytes = 64 * 1024 * 1024
/** Columns of rows up to this far apart are cut out of a scratch buffer: one call per row would cost more than the bytes between. */
const maxGatherStride = 64 * 1024
const scratchBytes = 1024 * 1024

/** Fills `into` from `position`; returns the bytes read, fewer at the end of the file. */
export async function readSpan (handle: FileHandle, position: number, into: Uint8Array): Promise<number> {
  let filled = 0
  while (filled < into.length) {
    const length = Math.min(into.length - filled, maxReadBytes)
    const { bytesRead } = await handle.read(into, filled, length, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** Packs the rows into `into`; returns the bytes packed, fewer when the file ends early. */
export async function readStrided (handle: FileHandle, rows: StridedRows, into: Uint8Array): Promise<number> {
  return rows.stride <= maxGatherStride ? gather(handle, rows, into) : readEach(handle, rows, into)
}

async function readEach (handle: FileHandle, rows: StridedRows, into: Uint8Array): Promise<number> {
  let filled = 0
  for (let row = 0; row < rows.numRows; row++) {
    const numRead = await readSpan(handle, rows.position + row * rows.stride, into.subarray(filled, filled + rows.rowBytes))
    filled += numRead
    if (numRead < rows.rowBytes) break
  }
  return filled
}

async function gather (handle: FileHandle, rows: StridedRows, into: Uint8Array): Promise<number> {
  const { position, stride, rowBytes, numRows } = rows
  const rowsPerRead = Math.min(numRows, Math.floor(scratchBytes / stride))
  const scratch = new Uint8Array(rowsPerRead * stride)
  let filled = 0
  for (let first = 0; first < numRows; first += rowsPerRead) {
    const count = Math.min(rowsPerRead, numRows - first)
    // The last row's tail is not ours to read: it may lie past the end of the file.
    const span = scratch.subarray(0, (count - 1) * stride + rowBytes)
    const numRead = await readSpan(handle, position + first * stride, span)
    if (numRead < span.length) return filled
    for (let row = 0; row < count; row++, filled += rowBytes) {
      into.set(span.subarray(row * stride, row * stride + rowBytes), filled)
    }
  }
  return filled
}
