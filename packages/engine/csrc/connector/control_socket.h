// Owns the unix control socket of a shm channel: a message with descriptors each way at the start, and its
// end of file as the death notice of the peer. Message boundaries are kept (SOCK_SEQPACKET).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "connector/file_descriptor.h"
#include "connector/frame_layout.h"

namespace tandem {


// Listens at `path`, readable by this user only. Throws std::system_error.
FileDescriptor listen_control(const std::string& path);
// Throws std::system_error.
FileDescriptor connect_control(const std::string& path, std::chrono::milliseconds timeout);

bool send_control(int socket, const std::vector<std::byte>& bytes, const std::vector<int>& fds);

struct ControlMessage {
  std::vector<std::byte> bytes;
  std::vector<FileDescriptor> fds;
};
// One message; false at the end of the connection or when none came in time (0: does not wait).
bool recv_control(int socket, std::chrono::milliseconds timeout, ControlMessage* message);

// Identity of the place where such a path means the same socket: boot and mount namespace.
std::string shm_host_id();

}  // namespace tandem
