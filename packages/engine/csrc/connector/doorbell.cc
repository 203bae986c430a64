#include "connector/doorbell.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace tandem {

namespace {
constexpr size_t kPageBytes = 4096;
// A bound on one sleep, so that a peer that scribbles over the page delays us and no more.
constexpr std::chrono::milliseconds kMaxSleep{500};
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
  // Orders the caller's publication before the look at `sleepers`; pairs with the fence in announce_sleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (words_->sleepers.load(std::memory_order_relaxed) == 0) return;
  words_->sequence.fetch_add(1, std::memory_order_release);
  ::syscall(SYS_futex, &words_->sequence, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void Doorbell::pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void Doorbell::yield() { ::sched_yield(); }

uint32_t Doorbell::announce_sleep() {
  const uint32_t seen = words_->sequence.load(std::memory_order_acquire);
  words_->sleepers.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return seen;
}

void Doorbell::cancel_sleep() { words_->sleepers.store(0, std::memory_order_relaxed); }

bool Doorbell::sleep(uint32_t seen, SteadyTime deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return false;
  const auto span = std::min<std::chrono::nanoseconds>(deadline - now, kMaxSleep);
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(span.count() / 1'000'000'000);
  timeout.tv_nsec = static_cast<long>(span.count() % 1'000'000'000);
  ::syscall(SYS_futex, &words_->sequence, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  return std::chrono::steady_clock::now() < deadline;
}

}  // namespace tandem
