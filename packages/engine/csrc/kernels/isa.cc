#include "kernels/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "kernels/kernel_table.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

bool cpu_has(Isa isa) {
#if defined(__x86_64__)
  // The builtins check the operating system's register state (XGETBV) as well as CPUID.
  __builtin_cpu_init();
  switch (isa) {
    case Isa::portable: return true;
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return cpu_has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  }
#endif
  return isa == Isa::portable;
}

const KernelTable* table_of(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::avx512: return &kAvx512Kernels;
    case Isa::avx2: return &kAvx2Kernels;
#endif
    default: return &kPortableKernels;
  }
}

Isa choose() {
  Isa best = cpu_has(Isa::avx512) ? Isa::avx512 : cpu_has(Isa::avx2) ? Isa::avx2 : Isa::portable;
  const char* wanted = std::getenv("TANDEM_ISA");
  if (wanted == nullptr) return best;
  if (std::strcmp(wanted, "portable") == 0) return Isa::portable;
  if (std::strcmp(wanted, "avx2") == 0 && cpu_has(Isa::avx2)) return Isa::avx2;
  return best;
}

struct Choice {
  std::atomic<Isa> isa;
  std::atomic<const KernelTable*> table;
  Choice() : isa(choose()), table(table_of(isa)) {}
};

Choice& choice() {
  static Choice instance;
  return instance;
}

}  // namespace

bool isa_available(Isa isa) { return cpu_has(isa); }

Isa active_isa() { return choice().isa.load(std::memory_order_relaxed); }

bool set_active_isa(Isa isa) {
  if (!cpu_has(isa)) return false;
  choice().table.store(table_of(isa), std::memory_order_relaxed);
  choice().isa.store(isa, std::memory_order_relaxed);
  return true;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "AVX2";
    case Isa::avx512: return "AVX-512 VNNI";
    default: return "portable";
  }
}

const KernelTable& kernels() { return *choice().table.load(std::memory_order_relaxed); }

const QuantPanels& quant_panels() {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::avx512: return kAvx512QuantPanels;
    case Isa::avx2: return kAvx2QuantPanels;
#endif
    default: return kPortableQuantPanels;
  }
}

}  // namespace tandem
