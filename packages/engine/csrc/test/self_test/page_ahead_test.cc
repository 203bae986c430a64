#include "threads/page_ahead.h"

#include <sys/mman.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "self_test.h"

namespace tandem::self_test {

namespace {

constexpr size_t kPageBytes = 4096, kNumStrips = 3, kNumItems = 4096;
// A page an item, so that items and pages have the same numbers.
constexpr size_t kBytes = kNumStrips * kNumItems * kPageBytes;

/** Items of every strip that are in memory, counted from the first. */
std::vector<size_t> items_in_memory(uint8_t* data) {
  std::vector<unsigned char> pages(kBytes / kPageBytes);
  CHECK(::mincore(data, kBytes, pages.data()) == 0);
  std::vector<size_t> counts;
  for (size_t strip = 0; strip < kNumStrips; strip++) {
    size_t count = 0;
    while (count < kNumItems && pages[strip * kNumItems + count] & 1) count++;
    counts.push_back(count);
  }
  return counts;
}

/** Whether the kernel brings pages when asked to: an old one refuses, an emulated one may say yes and do nothing. */
bool can_populate(uint8_t* data) {
  constexpr int kPopulateWrite = 23;
  unsigned char page = 0;
  return ::madvise(data, kPageBytes, kPopulateWrite) == 0 && ::mincore(data, kPageBytes, &page) == 0 && (page & 1) != 0;
}

bool all_reach(uint8_t* data, size_t wanted) {
  // As long as a machine that is busy with something else may need.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < until) {
    bool reached = true;
    for (size_t count : items_in_memory(data)) reached = reached && count >= wanted;
    if (reached) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

void test_page_ahead() {
  void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(mapped != MAP_FAILED);
  uint8_t* data = static_cast<uint8_t*>(mapped);
  // Pages of the default size: huge ones would bring more items than asked for.
  ::madvise(mapped, kBytes, MADV_NOHUGEPAGE);
  if (!can_populate(data)) {
    std::puts("pages ahead of use: skipped, this kernel does not populate memory");
  } else {
    PageAhead pages({data, kNumStrips, kNumItems, kPageBytes}, 100 * kNumStrips * kPageBytes);
    CHECK(all_reach(data, 100));
    CHECK(items_in_memory(data)[0] == 100);
    data[0] = 7;
    pages.expect(50);
    CHECK(all_reach(data, 150));
    for (size_t count : items_in_memory(data)) CHECK(count < kNumItems);
    pages.expect(kNumItems - 1);
    CHECK(all_reach(data, kNumItems));
    // What was written stays.
    CHECK(data[0] == 7 && data[kBytes - 1] == 0);
  }
  // Ends in the middle of its work.
  { PageAhead pages({data, kNumStrips, kNumItems, kPageBytes}, kBytes); }
  ::munmap(mapped, kBytes);
}

}  // namespace tandem::self_test
