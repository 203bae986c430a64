// Owns running every native self test on every instruction set of the machine.
#include "kernels/isa.h"
#include "test/self_test/self_test.h"

int main() {
  using namespace tandem;
  std::puts("thread pool");
  self_test::test_thread_pool();
  std::puts("placement");
  self_test::test_placement();
  for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
    if (!set_active_isa(isa)) {
      std::printf("%s: skipped, this CPU does not have it\n", isa_name(isa));
      continue;
    }
    std::printf("%s\n", isa_name(isa));
    self_test::test_products();
    self_test::test_rows();
    self_test::test_attention();
    self_test::test_sampler();
  }
  std::puts("self tests passed");
  return 0;
}
