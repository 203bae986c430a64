// Owns the GPT-2 byte alphabet: the one-to-one spelling of 256 bytes as printable characters that
// byte-level BPE vocabularies are written in. Printable Latin-1 stands for itself; the rest follows from U+0100.

function spellBytes (): string[] {
  const spelled: string[] = []
  let next = 0x100
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    spelled.push(String.fromCharCode(printable ? byte : next++))
  }
  return spelled
}

/** [256] character of each byte. */
export const charOfByte: readonly string[] = Object.freeze(spellBytes())

const byteOfChar: ReadonlyMap<string, number> = new Map(charOfByte.map((char, byte) => [char, byte]))

/** Bytes of a token spelled in the alphabet; undefined when a character is outside of it. */
export function bytesOfSpelling (token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length)
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfChar.get(token[i]!)
    if (byte === undefined) return undefined
    bytes[i] = byte
  }
  return bytes
}

export function spellingOfText (text: string): string {
  let spelling = ''
  for (const byte of Buffer.from(text, 'utf8')) spelling += charOfByte[byte]!
  return spelling
}
