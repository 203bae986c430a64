#!/usr/bin/env bash
# Builds whole native engines without Node under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer, and runs them.
#   scripts/sanitize-engine.sh [address|thread]   (both without an argument; CXX picks the compiler)
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CXX:-g++}
declare -A flags=(
  [address]='-fsanitize=address,undefined -fno-sanitize-recover=all'
  [thread]='-fsanitize=thread'
)

flags_of () {
  case $1 in
    *_avx2.cc) echo '-mavx2 -mfma -mf16c' ;;
    *_avx512.cc) echo '-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512bf16 -mavx2 -mfma -mf16c' ;;
  esac
}

for sanitizer in ${1:-address thread}; do
  out=build/sanitize-engine/$sanitizer
  mkdir -p "$out"
  objects=()
  for source in csrc/{kernels,threads,connector,model,engine,test/engine_test}/*.cc; do
    object=$out/$(echo "$source" | tr / _).o
    objects+=("$object")
    if [ -f "$object" ] && [ -z "$(find csrc -newer "$object" -name "*.h" -print -quit)" ] && [ "$object" -nt "$source" ]; then continue; fi
    # shellcheck disable=SC2046,SC2086
    "$compiler" -std=c++20 -O1 -g -pthread -ffp-contract=off -fno-omit-frame-pointer ${flags[$sanitizer]} -w -I csrc $(flags_of "$source") \
      -c "$source" -o "$object"
  done
  # shellcheck disable=SC2086
  "$compiler" -pthread ${flags[$sanitizer]} "${objects[@]}" -o "$out/engine_test"
  echo "== $sanitizer sanitizer"
  "$out/engine_test"
done
