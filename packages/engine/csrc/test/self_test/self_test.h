// Owns the little the native self tests share. They exist for the sanitizers: buffers have exactly the size an operation may touch,
// and threads really run; numbers are judged by the TypeScript tests.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

void test_products();
void test_rows();
void test_attention();
void test_sampler();
void test_thread_pool();
void test_placement();

}  // namespace tandem::self_test
