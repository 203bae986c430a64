// Owns the little the native self tests share. They exist for sanitizers and emulators: buffers have exactly the size an operation may
// touch, threads really run, and every path gives the portable one's bits; the numbers themselves are judged by the TypeScript tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition);   \
      std::exit(1);                                                                   \
    }                                                                                 \
  } while (false)

namespace tandem::self_test {

/** xorshift32. */
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  size_t below(size_t limit) { return next() % limit; }
  float uniform() { return static_cast<float>(next() >> 8) * 0x1p-23f - 1.0f; }
  std::vector<float> floats(size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = uniform();
    return values;
  }

 private:
  uint32_t state_;
};

/** The bytes that a path computed. */
class Results {
 public:
  template <typename T>
  void add(const std::vector<T>& values) {
    const size_t at = bytes_.size();
    bytes_.resize(at + values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes_.data() + at, values.data(), values.size() * sizeof(T));
  }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Results& other) const = default;

 private:
  std::vector<uint8_t> bytes_;
};

void test_products(Results& results);
void test_rows(Results& results);
void test_attention(Results& results);
void test_sampler(Results& results);
void test_thread_pool();
void test_placement();
void test_page_ahead();

}  // namespace tandem::self_test
