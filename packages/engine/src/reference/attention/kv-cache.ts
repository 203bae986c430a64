// Owns the paged KV pool of one layer and the address of a position in it. Which block belongs to whom is
// decided elsewhere.
import type { Ubatch, UbatchSequence } from '../../backend.js'

/** Rows of `width` float32 per token; slot = blockId * blockSize + position mod blockSize. */
export class PagedRows {
  readonly data: Float32Array

  constructor (numBlocks: number, readonly blockSize: number, readonly width: number) {
    this.data = new Float32Array(numBlocks * blockSize * width)
  }

  /** Index in `data` of the row of a position. */
  offsetOf (blockTable: Int32Array, position: number): number {
    const blockIdx = Math.floor(position / this.blockSize)
    return (blockTable[blockIdx]! * this.blockSize + (position - blockIdx * this.blockSize)) * this.width
  }

  /** Stores row r of `rows` ([numTokens, width]) at the position of row r of the ubatch. */
  write (ubatch: Ubatch, rows: Float32Array): void {
    forEachToken(ubatch, (row, position, sequence) => {
      this.data.set(rows.subarray(row * this.width, (row + 1) * this.width), this.offsetOf(sequence.blockTable, position))
    })
  }
}

/** Visits the rows of a ubatch with their positions. */
export function forEachToken (ubatch: Ubatch, visit: (row: number, position: number, sequence: UbatchSequence) => void): void {
  for (const sequence of ubatch.sequences) {
    for (let i = 0; i < sequence.numTokens; i++) visit(sequence.firstRow + i, sequence.startPosition + i, sequence)
  }
}
