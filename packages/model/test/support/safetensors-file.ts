// Owns writing safetensors files for tests, sound ones and, by `entries`, damaged ones.

export interface TensorSpec {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Zeros when absent. */
  readonly bytes?: Uint8Array
}

const elementBytes: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, I64: 8, U8: 1, BOOL: 1 }

export function encodeSafetensors (tensors: Readonly<Record<string, TensorSpec>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } }
  const parts: Uint8Array[] = []
  let offset = 0
  for (const [name, spec] of Object.entries(tensors)) {
    const size = spec.shape.reduce((product, n) => product * n, elementBytes[spec.dtype] ?? 1)
    const bytes = spec.bytes ?? new Uint8Array(size)
    if (bytes.length !== size) throw new Error(`${name} needs ${size} bytes`)
    header[name] = { dtype: spec.dtype, shape: spec.shape, data_offsets: [offset, offset + size] }
    parts.push(bytes)
    offset += size
  }
  return joinHeader(JSON.stringify(header), Buffer.concat(parts))
}

/** A file with exactly this header text, whatever it says. */
export function joinHeader (header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, data])
}

export function float32Bytes (values: Iterable<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer)
}
