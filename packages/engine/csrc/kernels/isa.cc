#include "kernels/isa.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#include "kernels/attention_tiles.h"
#include "kernels/kernel_table.h"
#include "kernels/quant_panels.h"

namespace tandem {
namespace {

/** By Isa: what TANDEM_ISA and `tandem status` call a path. */
constexpr const char* kOptionNames[kNumIsas] = {"portable", "avx2", "avx2_vnni", "avx512", "amx", "amx_bf16", "neon", "neon_dotprod", "neon_i8mm"};
constexpr const char* kNames[kNumIsas] = {"portable", "AVX2", "AVX2 VNNI", "AVX-512 VNNI", "AMX", "AMX BF16", "NEON", "NEON dotprod", "NEON i8mm"};

#if defined(__x86_64__)
// Asked for here because older compilers do not know the names of these.
bool cpu_has_avx_vnni() {
  constexpr unsigned kAvxVnni = 1u << 4;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
}
bool cpu_has_amx_int8() {
  constexpr unsigned kTileAndInt8 = 3u << 24;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTileAndInt8) == kTileAndInt8;
}
/** Every CPU with AMX so far has these. */
bool cpu_has_amx_bf16() {
  constexpr unsigned kVbmi = 1u << 1, kTileBf16AndHalves = 1u << 24 | 1u << 22 | 1u << 23, kAvx512Bf16 = 1u << 5;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((ecx & kVbmi) == 0 || (edx & kTileBf16AndHalves) != kTileBf16AndHalves) return false;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvx512Bf16) != 0;
}

/** Tile registers are large; Linux gives them to a process that asks (for all its threads, those to come as well). */
bool may_use_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool allowed = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return allowed;
#else
  return false;
#endif
}
#endif

bool cpu_has(Isa isa) {
  switch (isa) {
    case Isa::portable: return true;
#if defined(__x86_64__)
    // The builtins check the operating system's register state (XGETBV) as well as CPUID.
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx2_vnni: return kAvx2VnniQuantPanels.num_panels > 0 && cpu_has(Isa::avx2) && cpu_has_avx_vnni();
    case Isa::avx512:
      return cpu_has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
    case Isa::amx: return kAmxQuantPanels.num_panels > 0 && cpu_has(Isa::avx512) && cpu_has_amx_int8() && may_use_tiles();
    case Isa::amx_bf16:
      return kAmxBf16QuantPanels.num_panels > 0 && kAmxBf16Rows.quantize_rows != nullptr && kAmxBf16AttentionRun != nullptr &&
             cpu_has(Isa::avx512) && cpu_has_amx_bf16() && may_use_tiles();
#elif defined(__aarch64__)
    case Isa::neon: return true;
#if defined(__linux__)
    case Isa::neon_dotprod: return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    case Isa::neon_i8mm: return cpu_has(Isa::neon_dotprod) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#endif
#endif
    default: return false;
  }
}

#if defined(__x86_64__)
const KernelTable* amx_bf16_table() {
  static const KernelTable table = [] {
    KernelTable made = kAvx512Kernels;
    made.quantize_rows = kAmxBf16Rows.quantize_rows;
    made.rms_norm_quantize = kAmxBf16Rows.rms_norm_quantize;
    made.swiglu_quantize = kAmxBf16Rows.swiglu_quantize;
    made.attention_run = kAmxBf16AttentionRun;
    return made;
  }();
  return &table;
}
#endif

const KernelTable* table_of(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::avx512: case Isa::amx: return &kAvx512Kernels;
    case Isa::amx_bf16: return amx_bf16_table();
    case Isa::avx2: case Isa::avx2_vnni: return &kAvx2Kernels;
#elif defined(__aarch64__)
    case Isa::neon: case Isa::neon_dotprod: case Isa::neon_i8mm: return &kNeonKernels;
#endif
    default: return &kPortableKernels;
  }
}

/** The path TANDEM_ISA names, or the best one; amx_bf16 only if it is named and may be it. */
Isa choose(bool may_be_bf16) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  const char* wanted = std::getenv("TANDEM_ISA");
  Isa best = Isa::portable;
  // In order of the enumeration the last available path is the best one.
  for (int i = 0; i < kNumIsas; i++) {
    const Isa isa = static_cast<Isa>(i);
    if (!cpu_has(isa) || (isa == Isa::amx_bf16 && !may_be_bf16)) continue;
    if (wanted != nullptr && std::strcmp(wanted, kOptionNames[i]) == 0) return isa;
    if (isa != Isa::amx_bf16) best = isa;
  }
  return best;
}

struct Choice {
  std::atomic<Isa> isa;
  std::atomic<const KernelTable*> table;
  Choice() : isa(choose(true)), table(table_of(isa)) {}
};

Choice& choice() {
  static Choice instance;
  return instance;
}

}  // namespace

bool isa_available(Isa isa) { return cpu_has(isa); }

Isa active_isa() { return choice().isa.load(std::memory_order_relaxed); }

Isa eight_bit_isa() { return choose(false); }

bool set_active_isa(Isa isa) {
  if (!cpu_has(isa)) return false;
  choice().table.store(table_of(isa), std::memory_order_relaxed);
  choice().isa.store(isa, std::memory_order_relaxed);
  return true;
}

const char* isa_name(Isa isa) { return kNames[static_cast<int>(isa)]; }

const KernelTable& kernels() { return *choice().table.load(std::memory_order_relaxed); }

const QuantPanels& quant_panels() {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::amx: return kAmxQuantPanels;
    case Isa::amx_bf16: return kAmxBf16QuantPanels;
    case Isa::avx512: return kAvx512QuantPanels;
    case Isa::avx2_vnni: return kAvx2VnniQuantPanels;
    case Isa::avx2: return kAvx2QuantPanels;
#elif defined(__aarch64__)
    case Isa::neon: return kNeonQuantPanels;
    case Isa::neon_dotprod: return kNeonDotprodQuantPanels;
    case Isa::neon_i8mm: return kNeonI8mmQuantPanels;
#endif
    default: return kPortableQuantPanels;
  }
}

}  // namespace tandem
