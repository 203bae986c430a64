// Owns building and checking of frames. The checks trust no length: a header is copied out of shared or
// received memory first, and only the copy is read afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "connector/frame_layout.h"

namespace tandem {

// A checked frame. `section[i]` is 64-byte aligned when the frame is; `header` is a private copy.
struct FrameView {
  FrameHeader header;
  const std::byte* section[kNumSections];
};

// Bytes of the whole frame, padding included. Computed in 64 bits: cannot overflow.
uint64_t frame_bytes(const FrameHeader& header);

// Structure of a header: magic, version, kind, dtype, and section lengths that follow from the counts.
// `ok`, `malformed`, or `oversized` when the frame is larger than `max_bytes`.
FrameStatus check_header(const FrameHeader& header, size_t max_bytes);

// Checks `size` bytes at `data` as one whole frame and points `view` into them.
FrameStatus decode_frame(const std::byte* data, size_t size, size_t max_bytes, FrameView* view);

// Section pointers of a header that passed check_header.
FrameView view_frame(const FrameHeader& header, const std::byte* frame);
std::byte* section_of(std::byte* frame, const FrameHeader& header, int section);

// Fills the gaps between sections: receivers refuse frames whose padding is not zero.
void zero_padding(std::byte* frame, const FrameHeader& header);

// An a2f header with its section lengths.
FrameHeader make_a2f_header(uint32_t num_tokens, uint32_t hidden_size, FrameDtype dtype, uint16_t top_k);
// An f2a header that answers `request`.
FrameHeader make_f2a_header(const FrameHeader& request, uint16_t num_partials);

struct Hello {
  uint32_t worker_number = 0;
  std::byte token_digest[kDigestBytes]{};
  std::byte model_fingerprint[kDigestBytes]{};
  std::string worker_id;
};

std::vector<std::byte> encode_hello(const Hello& hello);
Hello decode_hello(const FrameView& view);
std::vector<std::byte> encode_error(const FrameHeader* request, FrameStatus status, const std::string& text);
std::string error_text(const FrameView& view);

// `ok`, or why a peer that says `theirs` is not let in.
FrameStatus match_hello(const Hello& ours, const Hello& theirs);

const char* status_name(FrameStatus status);

}  // namespace tandem
