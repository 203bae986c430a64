#!/usr/bin/env bash
# Builds the native self tests and the engine test for AArch64 and runs them on CPUs without the dot product instructions, with them, and
# with the 8-bit matrix instructions as well. Elsewhere than on AArch64 it takes a cross compiler and QEMU's user mode, on Debian
# `apt-get install g++-aarch64-linux-gnu qemu-user`, and says so where these are missing.
#   scripts/test-aarch64.sh [QEMU CPU ...]   (CXX picks the compiler; cortex-a72, neoverse-n1 and max without an argument)
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(uname -m)" = aarch64 ]; then
  compiler=${CXX:-g++}
  cpus=(native)
else
  compiler=${CXX:-aarch64-linux-gnu-g++}
  cpus=("$@")
  if [ ${#cpus[@]} = 0 ]; then cpus=(cortex-a72 neoverse-n1 max); fi
  for tool in "${compiler%% *}" qemu-aarch64; do
    if ! command -v "$tool" >/dev/null; then
      echo "AArch64 tests skipped: $tool is missing (Debian: g++-aarch64-linux-gnu, qemu-user)"
      exit 0
    fi
  done
fi

flags_of () {
  case $1 in
    *_neon_dotprod.cc) echo '-march=armv8.2-a+dotprod' ;;
    *_neon_i8mm.cc) echo '-march=armv8.2-a+dotprod+i8mm' ;;
  esac
}

out=build/aarch64
mkdir -p "$out"

# build NAME SOURCE... : $out/NAME
build () {
  local name=$1 source object objects=()
  shift
  for source in "$@"; do
    object=$out/$(echo "$source" | tr / _).o
    objects+=("$object")
    if [ -f "$object" ] && [ -z "$(find csrc -newer "$object" -name "*.h" -print -quit)" ] && [ "$object" -nt "$source" ]; then continue; fi
    # shellcheck disable=SC2046,SC2086
    $compiler -std=c++20 -O2 -g1 -pthread -ffp-contract=off -fno-math-errno -fno-trapping-math -w -I csrc \
      $(flags_of "$source") -c "$source" -o "$object"
  done
  # Static: an emulator then needs no libraries of the other architecture. The linker warns about getaddrinfo; the tests name addresses.
  $compiler -static -pthread "${objects[@]}" -o "$out/$name"
}

build self_test csrc/{kernels,threads,test/self_test}/*.cc
build engine_test csrc/{kernels,threads,connector,model,engine,test/engine_test}/*.cc

for cpu in "${cpus[@]}"; do
  echo "== $cpu"
  run=()
  [ "$cpu" = native ] || run=(qemu-aarch64 -cpu "$cpu")
  for name in self_test engine_test; do "${run[@]}" "$out/$name"; done
done
