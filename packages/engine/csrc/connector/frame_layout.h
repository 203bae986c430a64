// Owns the byte layout of a connector frame, word for word packages/connector/src/frame-layout.ts.
// Nothing here allocates or does I/O. All fields are little-endian, as are the machines this compiles for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

constexpr uint32_t kFrameMagic = 0x314D4454;  // "TDM1"
constexpr uint16_t kFrameVersion = 1;
constexpr size_t kFrameAlignment = 64;
// 512 tokens x 16384 channels x f32 x 8 partials fits.
constexpr size_t kMaxFrameBytes = size_t{512} * 1024 * 1024;
constexpr int kNumSections = 4;
constexpr int kDigestBytes = 32;
// Longest worker id a hello may carry.
constexpr size_t kMaxWorkerIdBytes = 256;
// Longest text an error frame may carry.
constexpr size_t kMaxErrorTextBytes = 2048;
// Hello and error frames fit.
constexpr size_t kMaxControlFrameBytes = 8192;
// A tree over 8 leaves has at most 8 roots, with ids 1..15.
constexpr uint32_t kMaxPartials = 8;
constexpr uint32_t kMaxTreeNode = 16;
// TypeScript's numbers hold frame ids exactly up to here.
constexpr uint64_t kMaxFrameId = (uint64_t{1} << 53) - 1;
// Channels that share one fp8 scale.
constexpr uint32_t kScaleChannels = 128;

enum class FrameKind : uint8_t { hello = 1, a2f = 2, f2a = 3, error = 4 };
enum class FrameDtype : uint8_t { none = 0, f32 = 1, bf16 = 2, fp8_e4m3 = 3 };

enum class FrameStatus : uint32_t {
  ok = 0,
  malformed = 1,
  oversized = 2,
  stale_epoch = 3,
  unknown_layer = 4,
  overloaded = 5,
  unauthorized = 6,
  model_mismatch = 7,
  internal = 8
};
constexpr int kNumFrameStatuses = 9;

struct FrameHeader {
  uint32_t magic;
  uint16_t version;
  FrameKind kind;
  FrameDtype dtype;
  uint32_t epoch;
  uint32_t worker_number;
  uint64_t frame_id;
  uint16_t layer_idx;
  uint16_t ubatch_idx;
  uint32_t num_tokens;
  uint32_t hidden_size;
  uint16_t top_k;
  uint16_t num_partials;
  uint32_t section_bytes[kNumSections];  // unpadded
  FrameStatus status;
  uint32_t compute_us;
};
constexpr size_t kFrameHeaderBytes = sizeof(FrameHeader);
static_assert(kFrameHeaderBytes == 64);
static_assert(offsetof(FrameHeader, frame_id) == 16);
static_assert(offsetof(FrameHeader, section_bytes) == 40);
static_assert(offsetof(FrameHeader, status) == 56);

constexpr size_t pad_section(size_t bytes) {
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

constexpr size_t dtype_bytes(FrameDtype dtype) {
  return dtype == FrameDtype::f32 ? 4 : dtype == FrameDtype::bf16 ? 2 : dtype == FrameDtype::fp8_e4m3 ? 1 : 0;
}

}  // namespace tandem
