// Owns reading the attention side's tensors: each once (a tied LM head is the embedding), with progress.
import { attentionTensorRefs, bytesOfTensor, TensorReader, type Model, type TensorRef } from '@tandem/model'
import type { WeightSource } from './attention/attention.js'
import { StoredMatrix } from './stored-matrix.js'

export class AttentionWeightReader implements WeightSource<TensorRef> {
  readonly totalBytes: number
  readonly #reader = new TensorReader()
  readonly #matrices = new Map<TensorRef, StoredMatrix>()
  #doneBytes = 0

  constructor (model: Pick<Model, 'attention'>, private readonly onProgress?: (doneBytes: number, totalBytes: number) => void) {
    this.totalBytes = attentionTensorRefs(model).reduce((sum, ref) => sum + bytesOfTensor(ref), 0)
  }

  async matrix (ref: TensorRef): Promise<StoredMatrix> {
    const known = this.#matrices.get(ref)
    if (known !== undefined) return known
    const matrix = new StoredMatrix(await this.#reader.readRows(ref))
    this.#matrices.set(ref, matrix)
    this.#report(ref)
    return matrix
  }

  async vector (ref: TensorRef): Promise<Float32Array> {
    const vector = await this.#reader.readFloat32(ref)
    this.#report(ref)
    return vector
  }

  close (): Promise<void> {
    return this.#reader.close()
  }

  #report (ref: TensorRef): void {
    this.#doneBytes += bytesOfTensor(ref)
    this.onProgress?.(this.#doneBytes, this.totalBytes)
  }
}
