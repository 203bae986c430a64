// Owns the byte layout of a connector frame, shared word for word with csrc (frame_layout.h).
// Little-endian. A 64-byte header, then up to four sections, each padded with zeros to 64 bytes so that every
// section is aligned for SIMD loads straight out of a ring.
//
//   hello (A -> F, first on a connection, and F -> A in answer): s0 = 32-byte sha256 of the cluster token,
//           s1 = 32-byte model fingerprint, s2 = utf-8 worker id
//   a2f:    s0 = hidden states [numTokens, hiddenSize] in dtype, s1 = fp8 scales f32 [numTokens, ceil(hiddenSize/128)],
//           s2 = topk_ids u16 [numTokens, topK], s3 = topk_weights f32 [numTokens, topK]
//   f2a:    s0 = partial sums [numPartials][numTokens, hiddenSize] in dtype (f32 or bf16),
//           s1 = u8 [numPartials] tree node of each (virtual-shards.ts)
//   error:  s0 = utf-8 message; `status` says why

export const FRAME_MAGIC = 0x314D4454 // "TDM1"
export const FRAME_VERSION = 1
export const FRAME_HEADER_BYTES = 64
export const FRAME_ALIGNMENT = 64
/** Refused above this, before anything is allocated: 512 tokens x 16384 x f32 x 8 partials fits. */
export const MAX_FRAME_BYTES = 512 * 1024 * 1024

export const frameKinds = { hello: 1, a2f: 2, f2a: 3, error: 4 } as const
export type FrameKind = keyof typeof frameKinds

export const frameDtypes = { none: 0, f32: 1, bf16: 2, fp8_e4m3: 3 } as const
export type FrameDtype = keyof typeof frameDtypes

/** Why an error frame was sent. */
export const frameStatuses = {
  ok: 0,
  malformed: 1,
  oversized: 2,
  stale_epoch: 3,
  unknown_layer: 4,
  overloaded: 5,
  unauthorized: 6,
  model_mismatch: 7,
  internal: 8
} as const
export type FrameStatus = keyof typeof frameStatuses

/** Byte offset of each header field. */
export const headerOffsets = {
  magic: 0, // u32
  version: 4, // u16
  kind: 6, // u8
  dtype: 7, // u8
  epoch: 8, // u32
  workerNumber: 12, // u32, the attention worker's
  frameId: 16, // u64, unique per connection; f2a and error echo it
  layerIdx: 24, // u16
  ubatchIdx: 26, // u16
  numTokens: 28, // u32
  hiddenSize: 32, // u32
  topK: 36, // u16, 0 for dense layers
  numPartials: 38, // u16, f2a only
  section0Bytes: 40, // u32, unpadded, as the next three
  section1Bytes: 44,
  section2Bytes: 48,
  section3Bytes: 52,
  status: 56, // u32
  computeUs: 60 // u32, f2a only: time the FFN worker spent
} as const
