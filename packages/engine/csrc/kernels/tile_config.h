// Owns how a thread sets up AMX's tile registers.
#pragma once

#include <cstdint>
#include <cstring>

namespace tandem {

/** What LDTILECFG reads: palette 1, bytes of a row and rows of each tile register. */
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t num_rows[16] = {};

  constexpr void set(int tile, size_t rows, size_t bytes) {
    num_rows[tile] = static_cast<uint8_t>(rows);
    row_bytes[tile] = static_cast<uint16_t>(bytes);
  }

  /** The thread keeps the setting: loading it takes as long as multiplying eight tiles, asking for it next to nothing. */
  void load() const {
    alignas(64) uint8_t now[64];
    asm volatile("sttilecfg %0" : "=m"(now));
    if (std::memcmp(now, this, sizeof now) != 0) asm volatile("ldtilecfg %0" ::"m"(*this));
  }
};
static_assert(sizeof(TileConfig) == 64, "as LDTILECFG reads it");

}  // namespace tandem
