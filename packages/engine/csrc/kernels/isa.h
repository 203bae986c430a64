// Owns the choice of instruction set. Decided once per process: the best path the CPU has (amx_bf16 only when asked for), or the one that
// TANDEM_ISA (portable | avx2 | avx2_vnni | avx512 | amx | amx_bf16 | neon | neon_dotprod | neon_i8mm) names. Must not know any kernel.
#pragma once

namespace tandem {

/** avx2_vnni is avx2, the amx paths are avx512 and the NEON paths are one another but for the products of quantised panels. Those give the
 *  same bits on every path except amx_bf16. */
enum class Isa { portable = 0, avx2, avx2_vnni, avx512, amx, amx_bf16, neon, neon_dotprod, neon_i8mm };
constexpr int kNumIsas = 9;

/** True when this CPU (and its operating system) runs the path and the binary carries it. */
bool isa_available(Isa isa);

/** The path kernels dispatch to. TANDEM_ISA is honoured when it names an available path and ignored otherwise. */
Isa active_isa();

/** The same, were activations to be 8 bits: amx_bf16 is never it. */
Isa eight_bit_isa();

/** Overrides the choice, for tests and benches. Returns false, and changes nothing, when not available. Not thread safe. */
bool set_active_isa(Isa isa);

/** "portable", "AVX2", "AVX-512 VNNI", "AMX", "AMX BF16", "NEON dotprod", ...: what `tandem status` prints. */
const char* isa_name(Isa isa);

}  // namespace tandem
