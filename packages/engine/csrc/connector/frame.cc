#include "connector/frame.h"

#include <cstring>

namespace tandem {

namespace {

bool sections_are(const FrameHeader& header, uint64_t s0, uint64_t s1, uint64_t s2, uint64_t s3) {
  return header.section_bytes[0] == s0 && header.section_bytes[1] == s1 && header.section_bytes[2] == s2 &&
         header.section_bytes[3] == s3;
}

uint64_t scale_bytes(const FrameHeader& header) {
  if (header.dtype != FrameDtype::fp8_e4m3) return 0;
  const uint64_t groups = (uint64_t{header.hidden_size} + kScaleChannels - 1) / kScaleChannels;
  return header.num_tokens * groups * 4;
}

bool check_a2f(const FrameHeader& header) {
  if (header.num_tokens == 0 || header.hidden_size == 0 || header.dtype == FrameDtype::none) return false;
  const uint64_t tokens = header.num_tokens;
  // Bounds the products below to 64 bits.
  if (header.num_tokens > (1u << 24) || header.hidden_size > (1u << 24)) return false;
  return sections_are(header, tokens * header.hidden_size * dtype_bytes(header.dtype), scale_bytes(header),
                      tokens * header.top_k * 2, tokens * header.top_k * 4);
}

bool check_f2a(const FrameHeader& header) {
  if (header.num_tokens == 0 || header.hidden_size == 0 || header.num_partials == 0) return false;
  if (header.num_partials > kMaxPartials) return false;
  if (header.dtype != FrameDtype::f32 && header.dtype != FrameDtype::bf16) return false;
  if (header.num_tokens > (1u << 24) || header.hidden_size > (1u << 24)) return false;
  const uint64_t partial = uint64_t{header.num_tokens} * header.hidden_size * dtype_bytes(header.dtype);
  return sections_are(header, partial * header.num_partials, header.num_partials, 0, 0);
}

bool check_hello(const FrameHeader& header) {
  return header.section_bytes[0] == kDigestBytes && header.section_bytes[1] == kDigestBytes &&
         header.section_bytes[2] <= kMaxWorkerIdBytes && header.section_bytes[3] == 0;
}

bool check_error(const FrameHeader& header) {
  return header.section_bytes[0] <= kMaxErrorTextBytes && header.section_bytes[1] == 0 &&
         header.section_bytes[2] == 0 && header.section_bytes[3] == 0 && header.status != FrameStatus::ok;
}

FrameHeader blank_header(FrameKind kind) {
  FrameHeader header{};
  header.magic = kFrameMagic;
  header.version = kFrameVersion;
  header.kind = kind;
  return header;
}

}  // namespace

uint64_t frame_bytes(const FrameHeader& header) {
  uint64_t total = kFrameHeaderBytes;
  for (uint32_t bytes : header.section_bytes) total += pad_section(bytes);
  return total;
}

FrameStatus check_header(const FrameHeader& header, size_t max_bytes) {
  if (header.magic != kFrameMagic || header.version != kFrameVersion) return FrameStatus::malformed;
  if (static_cast<uint8_t>(header.dtype) > static_cast<uint8_t>(FrameDtype::fp8_e4m3)) return FrameStatus::malformed;
  if (static_cast<uint32_t>(header.status) >= kNumFrameStatuses) return FrameStatus::malformed;
  if (header.frame_id > kMaxFrameId) return FrameStatus::malformed;
  if (frame_bytes(header) > max_bytes) return FrameStatus::oversized;
  bool good = false;
  switch (header.kind) {
    case FrameKind::hello: good = check_hello(header); break;
    case FrameKind::a2f: good = check_a2f(header); break;
    case FrameKind::f2a: good = check_f2a(header); break;
    case FrameKind::error: good = check_error(header); break;
  }
  return good ? FrameStatus::ok : FrameStatus::malformed;
}

FrameView view_frame(const FrameHeader& header, const std::byte* frame) {
  FrameView view{header, {}};
  size_t offset = kFrameHeaderBytes;
  for (int i = 0; i < kNumSections; i++) {
    view.section[i] = frame + offset;
    offset += pad_section(header.section_bytes[i]);
  }
  return view;
}

std::byte* section_of(std::byte* frame, const FrameHeader& header, int section) {
  size_t offset = kFrameHeaderBytes;
  for (int i = 0; i < section; i++) offset += pad_section(header.section_bytes[i]);
  return frame + offset;
}

void zero_padding(std::byte* frame, const FrameHeader& header) {
  std::byte* section = frame + kFrameHeaderBytes;
  for (uint32_t bytes : header.section_bytes) {
    std::memset(section + bytes, 0, pad_section(bytes) - bytes);
    section += pad_section(bytes);
  }
}

FrameStatus decode_frame(const std::byte* data, size_t size, size_t max_bytes, FrameView* view) {
  if (size < kFrameHeaderBytes) return FrameStatus::malformed;
  FrameHeader header;
  std::memcpy(&header, data, sizeof header);
  const FrameStatus status = check_header(header, max_bytes);
  if (status != FrameStatus::ok) return status;
  if (frame_bytes(header) != size) return FrameStatus::malformed;
  *view = view_frame(header, data);
  for (int i = 0; i < kNumSections; i++) {
    for (size_t at = header.section_bytes[i]; at < pad_section(header.section_bytes[i]); at++) {
      if (view->section[i][at] != std::byte{0}) return FrameStatus::malformed;
    }
  }
  if (header.kind == FrameKind::f2a) {
    for (int i = 0; i < header.num_partials; i++) {
      const auto node = static_cast<uint32_t>(view->section[1][i]);
      if (node == 0 || node >= kMaxTreeNode) return FrameStatus::malformed;
    }
  }
  return FrameStatus::ok;
}

FrameHeader make_a2f_header(uint32_t num_tokens, uint32_t hidden_size, FrameDtype dtype, uint16_t top_k) {
  FrameHeader header = blank_header(FrameKind::a2f);
  header.dtype = dtype;
  header.num_tokens = num_tokens;
  header.hidden_size = hidden_size;
  header.top_k = top_k;
  header.section_bytes[0] = static_cast<uint32_t>(size_t{num_tokens} * hidden_size * dtype_bytes(dtype));
  header.section_bytes[1] = static_cast<uint32_t>(scale_bytes(header));
  header.section_bytes[2] = num_tokens * top_k * 2u;
  header.section_bytes[3] = num_tokens * top_k * 4u;
  return header;
}

FrameHeader make_f2a_header(const FrameHeader& request, uint16_t num_partials) {
  FrameHeader header = request;
  header.kind = FrameKind::f2a;
  header.dtype = FrameDtype::f32;
  header.top_k = 0;
  header.num_partials = num_partials;
  header.section_bytes[0] =
      static_cast<uint32_t>(size_t{request.num_tokens} * request.hidden_size * num_partials * sizeof(float));
  header.section_bytes[1] = num_partials;
  header.section_bytes[2] = 0;
  header.section_bytes[3] = 0;
  header.status = FrameStatus::ok;
  header.compute_us = 0;
  return header;
}

std::vector<std::byte> encode_hello(const Hello& hello) {
  FrameHeader header = blank_header(FrameKind::hello);
  header.worker_number = hello.worker_number;
  header.section_bytes[0] = kDigestBytes;
  header.section_bytes[1] = kDigestBytes;
  header.section_bytes[2] = static_cast<uint32_t>(hello.worker_id.size());
  std::vector<std::byte> bytes(frame_bytes(header));
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(section_of(bytes.data(), header, 0), hello.token_digest, kDigestBytes);
  std::memcpy(section_of(bytes.data(), header, 1), hello.model_fingerprint, kDigestBytes);
  std::memcpy(section_of(bytes.data(), header, 2), hello.worker_id.data(), hello.worker_id.size());
  return bytes;
}

Hello decode_hello(const FrameView& view) {
  Hello hello;
  hello.worker_number = view.header.worker_number;
  std::memcpy(hello.token_digest, view.section[0], kDigestBytes);
  std::memcpy(hello.model_fingerprint, view.section[1], kDigestBytes);
  hello.worker_id.assign(reinterpret_cast<const char*>(view.section[2]), view.header.section_bytes[2]);
  return hello;
}

std::vector<std::byte> encode_error(const FrameHeader* request, FrameStatus status, const std::string& text) {
  FrameHeader header = blank_header(FrameKind::error);
  if (request != nullptr) {
    header.epoch = request->epoch;
    header.worker_number = request->worker_number;
    header.frame_id = request->frame_id;
    header.layer_idx = request->layer_idx;
    header.ubatch_idx = request->ubatch_idx;
  }
  header.status = status;
  const size_t length = text.size() < kMaxErrorTextBytes ? text.size() : kMaxErrorTextBytes;
  header.section_bytes[0] = static_cast<uint32_t>(length);
  std::vector<std::byte> bytes(frame_bytes(header));
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + kFrameHeaderBytes, text.data(), length);
  return bytes;
}

std::string error_text(const FrameView& view) {
  return std::string(reinterpret_cast<const char*>(view.section[0]), view.header.section_bytes[0]);
}

FrameStatus match_hello(const Hello& ours, const Hello& theirs) {
  // Constant time over the digest: a peer learns nothing from how long the refusal takes.
  unsigned difference = 0;
  for (int i = 0; i < kDigestBytes; i++) {
    difference |= static_cast<unsigned>(ours.token_digest[i] ^ theirs.token_digest[i]);
  }
  if (difference != 0) return FrameStatus::unauthorized;
  if (std::memcmp(ours.model_fingerprint, theirs.model_fingerprint, kDigestBytes) != 0) {
    return FrameStatus::model_mismatch;
  }
  return FrameStatus::ok;
}

const char* status_name(FrameStatus status) {
  static const char* const names[kNumFrameStatuses] = {"ok",         "malformed",    "oversized",
                                                       "stale_epoch", "unknown_layer", "overloaded",
                                                       "unauthorized", "model_mismatch", "internal"};
  const auto index = static_cast<uint32_t>(status);
  return index < kNumFrameStatuses ? names[index] : "unknown";
}

}  // namespace tandem
