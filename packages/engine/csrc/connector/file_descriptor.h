// Owns a file descriptor for its scope, and the sealed shared memory both ends of a channel map.
#pragma once

#include <cstddef>
#include <utility>

namespace tandem {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

// Anonymous shared memory that can no longer change size: a peer cannot make a mapping of it fault.
FileDescriptor create_shared_memory(const char* name, size_t bytes);
// Size of such memory received from a peer; 0 when it is not sealed like ours.
size_t sealed_size(int fd);

// A shared mapping, unmapped at the end of its scope.
class SharedMapping {
 public:
  SharedMapping() = default;
  // Throws std::system_error.
  SharedMapping(int fd, size_t bytes);
  SharedMapping(SharedMapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace tandem
