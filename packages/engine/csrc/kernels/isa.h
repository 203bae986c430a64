// Owns the choice of instruction set. Decided once per process: the best path the CPU has, or the one that
// TANDEM_ISA (portable | avx2 | avx512 | neon | neon_dotprod | neon_i8mm) names. Must not know any kernel.
#pragma once

namespace tandem {

/** The NEON paths differ in the products of quantised panels. */
enum class Isa { portable = 0, avx2, avx512, neon, neon_dotprod, neon_i8mm };
constexpr int kNumIsas = 6;

/** True when this CPU (and its operating system) runs the path and the binary carries it. */
bool isa_available(Isa isa);

/** The path kernels dispatch to. TANDEM_ISA is honoured when it names an available path and ignored otherwise. */
Isa active_isa();

/** Overrides the choice, for tests and benches. Returns false, and changes nothing, when not available. Not thread safe. */
bool set_active_isa(Isa isa);

/** "portable", "AVX2", "AVX-512 VNNI", "NEON dotprod", ...: what `tandem status` prints. */
const char* isa_name(Isa isa);

}  // namespace tandem
