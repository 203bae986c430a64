// Row-wise kernels on rows of every length up to three vectors.
#include <algorithm>

#include "kernels/activations.h"
#include "kernels/rope.h"
#include "kernels/router.h"
#include "test/self_test/self_test.h"

namespace tandem::self_test {

void test_rows() {
  Random random(2);
  for (size_t columns = 1; columns <= 70; columns++) {
    const std::vector<float> x = random.floats(2 * columns), w = random.floats(columns);
    std::vector<float> y(2 * columns), z(2 * columns);
    std::vector<QuantBlock> blocks(2 * quant_blocks(columns));
    const size_t ld = quant_blocks(columns);
    quantize_rows(x.data(), columns, 2, columns, blocks.data(), ld);
    rms_norm(x.data(), columns, w.data(), 1e-5f, 2, columns, y.data(), columns);
    rms_norm_quantize(x.data(), columns, w.data(), 1e-5f, 2, columns, blocks.data(), ld, z.data(), columns);
    CHECK(std::equal(y.begin(), y.end(), z.begin()));
    swiglu(x.data(), columns, y.data(), columns, 2, columns, z.data(), columns);
    swiglu_quantize(x.data(), columns, y.data(), columns, 2, columns, blocks.data(), ld);
    std::vector<uint16_t> bits(columns);
    to_bf16(x.data(), bits.data(), columns);
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
