// Owns bounds-checked little-endian reads over the first bytes of a GGUF file. No length from the file
// is trusted: a read past the bytes at hand throws `NeedMoreBytes` while the file still has them, else a typed error.
import { modelError } from '../errors.js'

const utf8 = new TextDecoder('utf-8', { fatal: true })
const replacementCharacter = '\uFFFD'

/** The header reaches past the bytes at hand; the caller reads more of the file and parses again. */
export class NeedMoreBytes extends Error {
  override readonly name = 'NeedMoreBytes'
  constructor (readonly atLeast: number) { super(`the header needs at least ${atLeast} bytes`) }
}

export class ByteCursor {
  position = 0
  readonly #view: DataView
  readonly #bytes: Buffer

  /** `bytes`: a prefix of the file; `fileBytes`: the size of the whole file. */
  constructor (bytes: Uint8Array, readonly fileBytes: number, readonly path: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes of the file that follow; an element count can never be larger. */
  get remaining (): number { return this.fileBytes - this.position }

  u8 (part: string): number { return this.#view.getUint8(this.#take(1, part)) }
  i8 (part: string): number { return this.#view.getInt8(this.#take(1, part)) }
  u16 (part: string): number { return this.#view.getUint16(this.#take(2, part), true) }
  i16 (part: string): number { return this.#view.getInt16(this.#take(2, part), true) }
  u32 (part: string): number { return this.#view.getUint32(this.#take(4, part), true) }
  i32 (part: string): number { return this.#view.getInt32(this.#take(4, part), true) }
  f32 (part: string): number { return this.#view.getFloat32(this.#take(4, part), true) }
  f64 (part: string): number { return this.#view.getFloat64(this.#take(8, part), true) }
  u64 (part: string): bigint { return this.#view.getBigUint64(this.#take(8, part), true) }
  i64 (part: string): bigint { return this.#view.getBigInt64(this.#take(8, part), true) }

  /** A u64 that counts things of at least `minBytesEach` bytes which follow in this file. */
  count (part: string, minBytesEach: number, limit: number): number {
    const count = this.u64(part)
    if (count > BigInt(limit)) this.invalid(part, `${count} is above the limit of ${limit}`)
    const end = this.position + Number(count) * minBytesEach
    if (end > this.fileBytes) this.#truncated(part, end)
    return Number(count)
  }

  /** A u64 below 2^53: a dimension or an offset. */
  size (part: string): number {
    const size = this.u64(part)
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) this.invalid(part, `${size} is not a possible size`)
    return Number(size)
  }

  /** u64 length, then UTF-8 without a terminator. */
  string (part: string, limit: number): string {
    const length = this.count(part, 1, limit)
    const start = this.#take(length, part)
    const text = this.#bytes.toString('utf8', start, start + length)
    // toString replaces bad bytes silently; only a text with the replacement character is worth the strict decoder.
    if (!text.includes(replacementCharacter)) return text
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length))
    } catch {
      return this.invalid(part, 'the text is not valid UTF-8')
    }
  }

  /** Throws `model_header_invalid`. */
  invalid (part: string, reason: string): never {
    throw modelError('model_header_invalid', { path: this.path, part, reason })
  }

  #take (numBytes: number, part: string): number {
    const start = this.position
    const end = start + numBytes
    if (end > this.#bytes.length) {
      if (end > this.fileBytes) this.#truncated(part, end)
      throw new NeedMoreBytes(end)
    }
    this.position = end
    return start
  }

  #truncated (part: string, end: number): never {
    throw modelError('model_file_truncated', { path: this.path, part, expected: end, actual: this.fileBytes })
  }
}
