// Row-wise kernels on rows of every length up to three vectors.
#include <algorithm>

#include "kernels/activations.h"
#include "kernels/attention.h"
#include "kernels/rope.h"
#include "kernels/router.h"
#include "test/self_test/self_test.h"

namespace tandem::self_test {
namespace {

/** Ties, subnormals, overflows, infinities and NaN, as every half-precision and 8-bit format stores and reads them. */
void check_conversions(Results& results) {
  std::vector<float> x;
  for (uint32_t high = 0; high < 0x10000; high += 5) {
    // Low halves at and around a tie of bf16, f16 and fp8.
    for (const uint32_t low : {0u, 0x1000u, 0x7fffu, 0x8000u, 0x8001u}) {
      float value;
      const uint32_t bits = (high << 16) | low;
      std::memcpy(&value, &bits, 4);
      x.push_back(value);
    }
  }
  x.resize(x.size() / 16 * 16);
  std::vector<uint16_t> bf16(x.size());
  to_bf16(x.data(), bf16.data(), x.size());
  results.add(bf16);
  for (const KvDtype dtype : {KvDtype::f16, KvDtype::bf16, KvDtype::fp8}) {
    const KvLayout layout{dtype, true, 16, 1, 16, 16};
    std::vector<uint8_t> pool(x.size() / 256 * layout.block_bytes());
    std::vector<float> read(pool.size() / kv_element_bytes(dtype));
    for (size_t slot = 0; slot < read.size() / 16; slot++) {
      kv_write(layout, pool.data(), slot, x.data() + 16 * slot, nullptr);
      kv_read(layout, pool.data(), slot, read.data() + 16 * slot, nullptr);
    }
    results.add(pool);
    results.add(read);
  }
}

}  // namespace

void test_rows(Results& results) {
  Random random(2);
  check_conversions(results);
  for (size_t columns = 1; columns <= 70; columns++) {
    const std::vector<float> x = random.floats(2 * columns), w = random.floats(columns);
    std::vector<float> y(2 * columns), z(2 * columns);
    std::vector<QuantBlock> blocks(2 * quant_blocks(columns));
    const size_t ld = quant_blocks(columns);
    quantize_rows(x.data(), columns, 2, columns, blocks.data(), ld);
    results.add(blocks);
    rms_norm(x.data(), columns, w.data(), 1e-5f, 2, columns, y.data(), columns);
    rms_norm_quantize(x.data(), columns, w.data(), 1e-5f, 2, columns, blocks.data(), ld, z.data(), columns);
    CHECK(std::equal(y.begin(), y.end(), z.begin()));
    results.add(y);
    swiglu(x.data(), columns, y.data(), columns, 2, columns, z.data(), columns);
    results.add(z);
    swiglu_quantize(x.data(), columns, y.data(), columns, 2, columns, blocks.data(), ld);
    results.add(blocks);
    std::vector<uint16_t> bits(columns);
    to_bf16(x.data(), bits.data(), columns);
    results.add(bits);
    from_bf16(bits.data(), z.data(), columns);
    for (size_t i = 0; i < columns; i++) CHECK(z[i] - x[i] < 0.01f && x[i] - z[i] < 0.01f);
  }
  for (const bool interleaved : {false, true}) {
    const std::vector<float> inv_freq(8, 0.5f);
    std::vector<float> cos(8), sin(8), heads = random.floats(3 * 20);
    const RopeParams params{16, interleaved, inv_freq.data(), 1};
    rope_angles(params, 12345, cos.data(), sin.data());
    rope_rotate(params, cos.data(), sin.data(), heads.data(), 3, 20);
  }
  RouterParams router;
  router.num_experts = 24;
  router.top_k = 5;
  router.num_groups = 6;
  router.top_k_groups = 3;
  router.group_top2_sum = true;
  const std::vector<float> logits = random.floats(2 * 24);
  std::vector<uint16_t> ids(10);
  std::vector<float> weights(10);
  route(router, logits.data(), 24, 2, ids.data(), weights.data());
  for (const uint16_t id : ids) CHECK(id < 24);
}

}  // namespace tandem::self_test
