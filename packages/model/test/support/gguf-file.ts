// Owns writing GGUF files for tests.

export type GgufScalarType = 'u8' | 'u32' | 'i32' | 'f32' | 'bool' | 'string' | 'u64'
export type GgufEntry =
  | readonly [key: string, type: GgufScalarType, value: unknown]
  | readonly [key: string, type: 'array', elementType: GgufScalarType, values: readonly unknown[]]

export interface GgufTensorSpec {
  readonly name: string
  /** Row-major, as TensorRef has it. */
  readonly shape: readonly number[]
  readonly typeId?: number
  readonly bytes?: Uint8Array
  /** Of the data section; the next free place when absent. */
  readonly offset?: number
}

const typeIds: Readonly<Record<GgufScalarType, number>> = { u8: 0, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, u64: 10 }
const blockSizes: Readonly<Record<number, readonly [length: number, bytes: number]>> = {
  0: [1, 4], 1: [1, 2], 8: [32, 34], 2: [32, 18], 3: [32, 20], 12: [256, 144], 10: [256, 84]
}

export interface GgufFileOptions { readonly alignment?: number, readonly version?: number }

export function encodeGguf (entries: readonly GgufEntry[], tensors: readonly GgufTensorSpec[], options: GgufFileOptions = {}): Uint8Array {
  const { alignment = 32, version = 3 } = options
  const infos: Buffer[] = []
  const data: Buffer[] = []
  let end = 0
  for (const tensor of tensors) {
    const typeId = tensor.typeId ?? 0
    const [blockLength, blockBytes] = blockSizes[typeId] ?? [1, 1]
    const size = tensor.shape.reduce((product, n) => product * n, 1) / blockLength * blockBytes
    const bytes = tensor.bytes ?? new Uint8Array(size)
    const padding = (alignment - end % alignment) % alignment
    data.push(Buffer.alloc(padding), Buffer.from(bytes))
    end += padding
    infos.push(text(tensor.name), u32(tensor.shape.length), ...[...tensor.shape].reverse().map(u64), u32(typeId), u64(tensor.offset ?? end))
    end += bytes.length
  }
  const header = Buffer.concat([
    Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(entries.length), ...entries.map(encodeEntry), ...infos
  ])
  const padding = Buffer.alloc((alignment - header.length % alignment) % alignment)
  return Buffer.concat([header, padding, ...data])
}

function encodeEntry (entry: GgufEntry): Buffer {
  if (entry[1] === 'array') {
    const [key, , elementType, values] = entry
    return Buffer.concat([text(key), u32(9), u32(typeIds[elementType]), u64(values.length), ...values.map(value => scalar(elementType, value))])
  }
  const [key, type, value] = entry
  return Buffer.concat([text(key), u32(typeIds[type]), scalar(type, value)])
}

function scalar (type: GgufScalarType, value: unknown): Buffer {
  switch (type) {
    case 'u8': return Buffer.from([Number(value)])
    case 'bool': return Buffer.from([Number(value)])
    case 'u32': return u32(Number(value))
    case 'i32': { const bytes = Buffer.alloc(4); bytes.writeInt32LE(Number(value)); return bytes }
    case 'f32': { const bytes = Buffer.alloc(4); bytes.writeFloatLE(Number(value)); return bytes }
    case 'u64': return u64(Number(value))
    case 'string': return text(String(value))
  }
}

function u32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64 (value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function text (value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}
