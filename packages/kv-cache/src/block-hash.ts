// Owns the identity of a full KV block: a hash chain over token ids, so that equal hashes mean equal
// tokens at equal positions. Knows nothing of pools or workers.
import { createHash } from 'node:crypto'

/**
 * Hash of one full block: the first 128 bits of SHA-256(parent hash, token ids as u32 LE), hex. Two different
 * prefixes collide with probability below 2^-64 after 2^32 blocks, and a client cannot choose a collision.
 */
export type BlockHash = string

/** Root of a chain. `salt` names what the KV values depend on besides tokens (the model's fingerprint). */
export function rootHash (salt: string): BlockHash {
  return digest(createHash('sha256').update('tandem-kv').update(salt))
}

/** Appends the hashes of the full blocks that `tokenIds` has beyond those already in `hashes`; at most `maxBlocks` in all. */
export function extendBlockHashes (
  hashes: BlockHash[], root: BlockHash, tokenIds: readonly number[], blockSize: number,
  maxBlocks = Math.floor(tokenIds.length / blockSize)
): void {
  if (hashes.length >= maxBlocks) return
  const block = new Uint32Array(blockSize)
  let parent = hashes.at(-1) ?? root
  while (hashes.length < maxBlocks) {
    const start = hashes.length * blockSize
    for (let offset = 0; offset < blockSize; offset++) block[offset] = tokenIds[start + offset]!
    parent = digest(createHash('sha256').update(parent).update(block))
    hashes.push(parent)
  }
}

function digest (hash: ReturnType<typeof createHash>): BlockHash {
  return hash.digest('hex').slice(0, 32)
}
