// Owns the choice of the best tokens without sorting the vocabulary: a binary heap built in O(V), popped as
// often as tokens are kept. The order is total (larger value first, then lower id), so any other selection
// algorithm keeps the same tokens in the same order.

/** `heap[0..size)` are token ids; the best one is at the root. */
export class CandidateHeap {
  #size: number

  constructor (private readonly ids: Int32Array, size: number, private readonly values: Float64Array) {
    this.#size = size
    for (let parent = (size >> 1) - 1; parent >= 0; parent--) this.#siftDown(parent)
  }

  get size (): number { return this.#size }

  /** Removes and returns the best remaining token id. */
  pop (): number {
    const best = this.ids[0]!
    this.#size--
    this.ids[0] = this.ids[this.#size]!
    this.#siftDown(0)
    return best
  }

  #before (a: number, b: number): boolean {
    const valueA = this.values[a]!
    const valueB = this.values[b]!
    return valueA > valueB || (valueA === valueB && a < b)
  }

  #siftDown (start: number): void {
    const { ids } = this
    const moving = ids[start]!
    let hole = start
    for (;;) {
      let child = 2 * hole + 1
      if (child >= this.#size) break
      if (child + 1 < this.#size && this.#before(ids[child + 1]!, ids[child]!)) child++
      if (!this.#before(ids[child]!, moving)) break
      ids[hole] = ids[child]!
      hole = child
    }
    ids[hole] = moving
  }
}
