// Owns a binary heap of numbers that gives the smallest first.

export class MinHeap {
  private readonly values: number[] = []

  get size (): number { return this.values.length }

  push (value: number): void {
    const { values } = this
    let at = values.length
    values.push(value)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (values[parent]! <= value) break
      values[at] = values[parent]!
      at = parent
    }
    values[at] = value
  }

  /** Only when not empty. */
  pop (): number {
    const { values } = this
    const smallest = values[0]!
    const last = values.pop()!
    const size = values.length
    if (size === 0) return smallest
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && values[child + 1]! < values[child]!) child++
      if (values[child]! >= last) break
      values[at] = values[child]!
      at = child
    }
    values[at] = last
    return smallest
  }
}
