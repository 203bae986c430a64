// Owns running every native self test on every instruction set of the machine.
#include "kernels/isa.h"
#include "test/self_test/self_test.h"

namespace tandem::self_test {
namespace {

using Test = void (*)(Results&);
constexpr Test kTests[] = {test_products, test_rows, test_attention, test_sampler};
constexpr size_t kNumTests = sizeof kTests / sizeof kTests[0];
/** One path has blocks of activations, products and attention over a bf16 cache in bf16; the TypeScript tests check those. */
bool has_bf16(Test test) { return test == test_products || test == test_rows || test == test_attention; }

}  // namespace
}  // namespace tandem::self_test

int main() {
  using namespace tandem;
  using namespace tandem::self_test;
  std::puts("thread pool");
  test_thread_pool();
  std::puts("placement");
  test_placement();
  std::puts("pages ahead of use");
  test_page_ahead();
  Results expected[kNumTests];
  for (int i = 0; i < kNumIsas; i++) {
    const Isa isa = static_cast<Isa>(i);
    if (!set_active_isa(isa)) {
      std::printf("%s: skipped, this CPU does not have it\n", isa_name(isa));
      continue;
    }
    std::printf("%s\n", isa_name(isa));
    for (size_t t = 0; t < kNumTests; t++) {
      Results results;
      kTests[t](results);
      CHECK(!results.empty());
      if (isa == Isa::portable) expected[t] = results;
      else if (isa != Isa::amx_bf16 || !has_bf16(kTests[t])) CHECK(results == expected[t]);
    }
  }
  std::puts("self tests passed");
  return 0;
}
