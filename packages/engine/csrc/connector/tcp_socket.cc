#include "connector/tcp_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace tandem {

namespace {

constexpr int kKeepAliveSeconds = 5;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList resolve(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) throw std::runtime_error(host + ": " + ::gai_strerror(status));
  return AddressList(found, &::freeaddrinfo);
}

bool wait_for(int socket, short events, std::chrono::milliseconds timeout) {
  pollfd entry{socket, events, 0};
  return ::poll(&entry, 1, static_cast<int>(timeout.count())) > 0;
}

// Empty when connected, else the reason.
std::string try_connect(int socket, const addrinfo& address, std::chrono::milliseconds timeout) {
  if (::connect(socket, address.ai_addr, address.ai_addrlen) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  if (!wait_for(socket, POLLOUT, timeout)) return "no answer in time";
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? "" : std::strerror(error);
}

}  // namespace

void configure_socket(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &kKeepAliveSeconds, sizeof kKeepAliveSeconds);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof on);
  const int probes = 3;
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  // A whole frame of a large layer should leave in one call.
  const int buffer_bytes = 4 << 20;
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
}

FileDescriptor connect_socket(const std::string& host, int port, std::chrono::milliseconds timeout) {
  const AddressList addresses = resolve(host, port, 0);
  std::string reason = "no address";
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    FileDescriptor fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.valid()) continue;
    configure_socket(fd.get());
    reason = try_connect(fd.get(), *address, timeout);
    if (reason.empty()) return fd;
  }
  throw std::runtime_error(format_address(host, port) + ": " + reason);
}

FileDescriptor listen_socket(const std::string& host, int port) {
  const AddressList addresses = resolve(host, port, AI_PASSIVE);
  const addrinfo& address = *addresses;
  FileDescriptor fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (fd.valid()) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd.valid() || ::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 || ::listen(fd.get(), 128) != 0) {
    throw std::runtime_error(format_address(host, port) + ": " + std::strerror(errno));
  }
  return fd;
}

int bound_port(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

bool is_local_peer(int socket) {
  sockaddr_storage ours{}, theirs{};
  socklen_t our_bytes = sizeof ours, their_bytes = sizeof theirs;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&ours), &our_bytes) != 0) return false;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&theirs), &their_bytes) != 0) return false;
  if (ours.ss_family != theirs.ss_family) return false;
  if (ours.ss_family == AF_INET) {
    return reinterpret_cast<sockaddr_in&>(ours).sin_addr.s_addr == reinterpret_cast<sockaddr_in&>(theirs).sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<sockaddr_in6&>(ours).sin6_addr, &reinterpret_cast<sockaddr_in6&>(theirs).sin6_addr,
                     sizeof(in6_addr)) == 0;
}

bool read_exactly(int socket, std::byte* into, size_t bytes, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (bytes > 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !wait_for(socket, POLLIN, left)) return false;
    const ssize_t count = ::recv(socket, into, bytes, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (count < 0) continue;
    into += count;
    bytes -= static_cast<size_t>(count);
  }
  return true;
}

bool write_all(int socket, const std::vector<std::byte>& bytes) {
  return ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::string format_address(const std::string& host, int port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace tandem
