// Owns reading virtual shards: which rows of gate and up and which columns of down a shard has, of which tensors.
import { intermediateSlice, unitsOfShard, type FfnSplit, type ShardRange } from '@tandem/core'
import { bytesOfTensor, dtypeBlockLength, numColumnsOf, TensorReader, type FfnLayerWeights, type GatedMlpWeights, type Model, type TensorRef } from '@tandem/model'
import type { FfnLeaf, FfnLeafLayer } from './ffn-leaf.js'
import type { GatedMlp } from './gated-mlp.js'
import { StoredMatrix } from './stored-matrix.js'

/** Smallest slice of the intermediate dimension in formats without blocks. */
const PLAIN_UNIT_SIZE = 4

/**
 * Elements of the intermediate dimension that cannot be cut (`unitSize` of intermediateSlice): the block length of the down projection's
 * format, the width of its scale blocks for F8_E4M3, else 4.
 */
export function ffnUnitSize (down: TensorRef): number {
  return Math.max(PLAIN_UNIT_SIZE, down.blockScale?.blockColumns ?? dtypeBlockLength(down.dtype))
}

/** Reads the given shards, in that order, and nothing else. */
export async function loadLeaves (
  model: Pick<Model, 'ffn'>, shards: readonly number[], split: FfnSplit, onProgress?: (doneBytes: number, totalBytes: number) => void
): Promise<FfnLeaf[]> {
  const plans = shards.map(shard => model.ffn.layers.map(layer => planLayer(layer, shard, split)))
  const totalBytes = plans.flat().flatMap(slicesOf).reduce((sum, slice) => sum + sliceBytes(slice), 0)
  const reader = new MlpReader(bytes => onProgress?.(Math.round(bytes), Math.round(totalBytes)))
  try {
    const leaves: FfnLeaf[] = []
    for (const plan of plans) {
      const before = reader.heldBytes
      const layers: FfnLeafLayer[] = []
      for (const layer of plan) layers.push(await reader.readLayer(layer))
      leaves.push({ layers, byteLength: reader.heldBytes - before })
    }
    return leaves
  } finally {
    await reader.close()
  }
}

/** Part of an MLP: a range of its intermediate dimension. */
interface MlpSlice {
  readonly mlp: GatedMlpWeights
  readonly range: ShardRange
}

interface LayerPlan {
  readonly always: MlpSlice | null
  readonly experts: ReadonlyArray<readonly [expertId: number, slice: MlpSlice]>
}

function planLayer (layer: FfnLayerWeights, shard: number, split: FfnSplit): LayerPlan {
  if (layer.kind === 'dense') return { always: sliceOf(layer, shard), experts: [] }
  const always = layer.shared === undefined ? null : sliceOf(layer.shared, shard)
  const owned = split === 'ep' ? unitsOfShard(layer.experts.length, shard) : { start: 0, end: layer.experts.length }
  const experts = layer.experts.slice(owned.start, owned.end).flatMap((mlp, i) => {
    const slice = split === 'ep' ? { mlp, range: { start: 0, end: numColumnsOf(mlp.down) } } : sliceOf(mlp, shard)
    return slice === null ? [] : [[owned.start + i, slice] as const]
  })
  return { always, experts }
}

/** null when the shard has no columns of this MLP. */
function sliceOf (mlp: GatedMlpWeights, shard: number): MlpSlice | null {
  const range = intermediateSlice(numColumnsOf(mlp.down), ffnUnitSize(mlp.down), shard)
  return range.start === range.end ? null : { mlp, range }
}

function slicesOf ({ always, experts }: LayerPlan): MlpSlice[] {
  return [...(always === null ? [] : [always]), ...experts.map(([, slice]) => slice)]
}

/** Share of the tensors' bytes: for progress. */
function sliceBytes ({ mlp, range }: MlpSlice): number {
  const share = (range.end - range.start) / numColumnsOf(mlp.down)
  return share * (bytesOfTensor(mlp.gate) + bytesOfTensor(mlp.up) + bytesOfTensor(mlp.down))
}

class MlpReader {
  /** Bytes of all matrices read so far. */
  heldBytes = 0
  readonly #reader = new TensorReader()
  #progressBytes = 0

  constructor (private readonly onProgress: (doneBytes: number) => void) {}

  async readLayer ({ always, experts }: LayerPlan): Promise<FfnLeafLayer> {
    const loaded = new Map<number, GatedMlp>()
    for (const [expertId, slice] of experts) loaded.set(expertId, await this.#readMlp(slice))
    return always === null ? { experts: loaded } : { always: await this.#readMlp(always), experts: loaded }
  }

  close (): Promise<void> {
    return this.#reader.close()
  }

  async #readMlp (slice: MlpSlice): Promise<GatedMlp> {
    const { mlp, range: { start, end } } = slice
    const gate = new StoredMatrix(await this.#reader.readRows(mlp.gate, { rowStart: start, rowEnd: end }))
    const up = new StoredMatrix(await this.#reader.readRows(mlp.up, { rowStart: start, rowEnd: end }))
    const down = new StoredMatrix(await this.#reader.readRows(mlp.down, { colStart: start, colEnd: end }))
    this.heldBytes += gate.byteLength + up.byteLength + down.byteLength
    this.#progressBytes += sliceBytes(slice)
    this.onProgress(this.#progressBytes)
    return { gate, up, down }
  }
}
