// Owns who may talk to whom: the digests a hello carries and their comparison in constant time.
import { createHash, timingSafeEqual } from 'node:crypto'
import { assert } from '@tandem/core'
import { requireTokenUnlessLoopback } from '@tandem/protocol'
import { DIGEST_BYTES } from './frame-header.js'
import type { FrameStatus } from './frame-layout.js'
import type { HelloFrame, ListenOptions } from './types.js'

/** sha256 of the cluster token; of the empty string when there is none. */
export function tokenDigestOf (clusterToken: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(clusterToken, 'utf8').digest())
}

const emptyTokenDigest = tokenDigestOf('')

/** The 32 bytes of a model fingerprint, which is a sha256 in hex. */
export function fingerprintBytes (fingerprint: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(fingerprint, 'hex'))
  assert(bytes.length === DIGEST_BYTES, 'a model fingerprint is 64 hex digits')
  return bytes
}

export interface ExpectedHello {
  readonly tokenDigest: Uint8Array
  readonly modelFingerprint: Uint8Array
}

/** What is wrong with a hello, or null. Both comparisons take the same time whatever differs. */
export function helloFault (hello: HelloFrame, expected: ExpectedHello): Exclude<FrameStatus, 'ok'> | null {
  const tokenMatches = timingSafeEqual(hello.tokenDigest, expected.tokenDigest)
  const modelMatches = timingSafeEqual(hello.modelFingerprint, expected.modelFingerprint)
  if (!tokenMatches) return 'unauthorized'
  return modelMatches ? null : 'model_mismatch'
}

/** Throws `cluster_token_required` for a listener that other hosts could reach without a token. */
export function requireTokenForListener ({ host, tokenDigest }: Pick<ListenOptions, 'host' | 'tokenDigest'>): void {
  const hasToken = !timingSafeEqual(tokenDigest, emptyTokenDigest)
  requireTokenUnlessLoopback(host, hasToken ? 'set' : '')
}
