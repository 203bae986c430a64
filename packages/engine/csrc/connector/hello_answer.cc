#include "connector/connector.h"

namespace tandem {

void check_hello_answer(const std::vector<std::byte>& bytes, const std::string& address, const Hello& ours) {
  FrameView view;
  if (decode_frame(bytes.data(), bytes.size(), kMaxControlFrameBytes, &view) != FrameStatus::ok) {
    throw ConnectError(FrameStatus::malformed, address + " does not speak this protocol");
  }
  if (view.header.kind == FrameKind::error) throw ConnectError(view.header.status, error_text(view));
  if (view.header.kind != FrameKind::hello) {
    throw ConnectError(FrameStatus::malformed, address + " answered a hello with another frame");
  }
  const FrameStatus status = match_hello(ours, decode_hello(view));
  if (status != FrameStatus::ok) throw ConnectError(status, address + " belongs to another cluster or model");
}

}  // namespace tandem
