// Owns AMX's bf16 instructions, written out: the compilers' own do not say what memory they touch. Registers are named by digit strings.
#pragma once

#define TANDEM_TILE_LOAD(tile, from, stride) asm volatile("tileloadd (%0,%1,1), %%tmm" tile ::"r"(from), "r"(stride) : "memory")
#define TANDEM_TILE_STORE(tile, to, stride) asm volatile("tilestored %%tmm" tile ", (%0,%1,1)" ::"r"(to), "r"(stride) : "memory")
#define TANDEM_TILE_ZERO(tile) asm volatile("tilezero %%tmm" tile ::)
#define TANDEM_TILE_MULTIPLY(sums, rows, weights) asm volatile("tdpbf16ps %%tmm" weights ", %%tmm" rows ", %%tmm" sums ::)
