#include "connector/doorbell.h"

#include <sys/mman.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "threads/thread_pool.h"

namespace tandem {

namespace {
constexpr size_t kPageBytes = 4096;
}  // namespace

Doorbell::Doorbell() : fd_(create_shared_memory("tandem-doorbell", kPageBytes)) { map(); }

Doorbell::Doorbell(FileDescriptor fd) : fd_(std::move(fd)) {
  if (sealed_size(fd_.get()) != kPageBytes) throw std::runtime_error("the peer's doorbell page is not sealed");
  map();
}

Doorbell::~Doorbell() {
  if (words_ != nullptr) ::munmap(words_, kPageBytes);
}

void Doorbell::map() {
  void* mapped = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of a doorbell");
  words_ = static_cast<DoorbellWords*>(mapped);
}

void Doorbell::ring() {
  // The crew first: waking the engine thread may cost us the core.
  if (leaves_crew_) leaves_crew_ = false;
  else EventCount(&words_->crew).ring(kCrewWakes);
  EventCount(&words_->engine).ring(1);
}

}  // namespace tandem
