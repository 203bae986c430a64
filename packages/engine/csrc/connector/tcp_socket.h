// Owns the blocking set-up of TCP sockets: resolve, connect in time, listen, and the options both ends want.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "connector/file_descriptor.h"

namespace tandem {

// Throws std::runtime_error with the reason.
FileDescriptor connect_socket(const std::string& host, int port, std::chrono::milliseconds timeout);
FileDescriptor listen_socket(const std::string& host, int port);
// Port a listening socket is bound to.
int bound_port(int socket);
// No delay; a peer that vanished without a FIN is found by the kernel's probes.
void configure_socket(int socket);
// Whether both ends of a connection have the same address: they are on one machine.
bool is_local_peer(int socket);
// Exactly `bytes`, or false when time is up or the connection ends.
bool read_exactly(int socket, std::byte* into, size_t bytes, std::chrono::milliseconds timeout);
bool write_all(int socket, const std::vector<std::byte>& bytes);
std::string format_address(const std::string& host, int port);

}  // namespace tandem
