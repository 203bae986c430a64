#!/usr/bin/env bash
# Runs the native code under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer: kernels and threads (self_test),
# whole engines (engine_test), and the addon inside Node with the tests of its layer objects (addon).
#   scripts/sanitize.sh [address|thread]... [self_test|engine_test|addon]...   (everything without an argument; CXX picks the compiler)
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CXX:-g++}
declare -A sanitizer_flags=(
  [address]='-fsanitize=address,undefined -fno-sanitize-recover=all'
  [thread]='-fsanitize=thread'
)
declare -A folders=(
  [self_test]='kernels threads test/self_test'
  [engine_test]='kernels threads connector model engine test/engine_test'
  [addon]='kernels threads connector model engine native .'
)
addon_tests=(layer-backends engine-grpc native-ffn-engine auto-attention-engine engine-lifecycle)

isa_flags_of () {
  case "$(uname -m) $1" in
    x86_64*_avx2.cc) echo '-mavx2 -mfma -mf16c' ;;
    x86_64*_avx2_vnni.cc) echo '-mavx2 -mfma -mf16c -mavxvnni' ;;
    x86_64*_avx512.cc) echo '-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c' ;;
    x86_64*_amx.cc) echo "$(isa_flags_of _avx512.cc) -mamx-tile -mamx-int8" ;;
    x86_64*_amx_bf16.cc) echo "$(isa_flags_of _avx512.cc) -mamx-tile -mamx-bf16 -mavx512bf16 -mavx512fp16 -mavx512vbmi" ;;
    aarch64*_neon_dotprod.cc) echo '-march=armv8.2-a+dotprod' ;;
    aarch64*_neon_i8mm.cc) echo '-march=armv8.2-a+dotprod+i8mm' ;;
  esac
}

header_folder_of () { node -p "require('path').dirname(require.resolve('$1/package.json'))"; }

# compile SOURCE OBJECT: unless nothing it includes is newer.
compile () {
  local newer
  if [ -f "$2" ] && [ -f "$2.d" ]; then
    # shellcheck disable=SC2046
    newer=$(find $(sed 's/^[^:]*://; s/\\$//' "$2.d") -newer "$2" -print -quit 2>&1) || newer='a header is gone'
    if [ -z "$newer" ]; then return; fi
  fi
  # shellcheck disable=SC2046,SC2086
  "$compiler" -std=c++20 -O1 -g -fPIC -pthread -ffp-contract=off -fno-omit-frame-pointer -w $flags $(isa_flags_of "$1") \
    -DNODE_ADDON_API_DISABLE_DEPRECATED -DNAPI_CPP_EXCEPTIONS -DNAPI_VERSION=8 -isystem "$node_headers" -isystem "$addon_headers" \
    -I csrc -MMD -MF "$2.d" -c "$1" -o "$2"
}

# build PROGRAM FILE LINK_FLAGS...
build () {
  local objects=() source object folder program=$1 file=$2
  shift 2
  for folder in ${folders[$program]}; do
    for source in "csrc/$folder"/*.cc; do
      object=$out/$(echo "${source#csrc/}" | tr / _).o
      objects+=("$object")
      compile "$source" "$object"
    done
  done
  # shellcheck disable=SC2086
  "$compiler" -pthread $flags "$@" "${objects[@]}" -o "$file"
}

# Leaks are looked for by the programs above: Node frees nothing when it ends. Node and its other addons are not built for
# ThreadSanitizer, which therefore sees races in them: only reports with a frame of ours count.
test_addon () {
  if [ ! -e build/Release/tandem_native.node ]; then
    echo 'sanitize.sh: the tests look for the ordinary addon first: node packages/engine/scripts/build-native.mjs' >&2
    exit 2
  fi
  # Bound to its own templates: Node exports its std::shared_ptr, whose counting no sanitizer sees.
  build addon "$out/tandem_native.node" -shared -Wl,-Bsymbolic
  local here=$PWD library=libasan.so
  if [ "$sanitizer" = thread ]; then library=libtsan.so; fi
  rm -f "$out"/report.*
  (cd ../.. && TANDEM_SANITIZED_ADDON=$here/$out/tandem_native.node LD_PRELOAD=$("$compiler" -print-file-name=$library) \
    ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS="exitcode=0 log_path=$here/$out/report" \
    NODE_OPTIONS="--require $here/scripts/load-sanitized-addon.cjs" \
    node node_modules/vitest/vitest.mjs run --testTimeout 120000 "${addon_tests[@]/#/packages/engine/test/native/}")
  if grep -l tandem_native.node "$out"/report.* 2> /dev/null; then
    echo 'sanitize.sh: the files above have reports with our frames' >&2
    exit 1
  fi
}

sanitizers=() programs=()
for word in "$@"; do
  if [ -n "${sanitizer_flags[$word]:-}" ]; then sanitizers+=("$word"); elif [ -n "${folders[$word]:-}" ]; then programs+=("$word"); else
    echo "sanitize.sh: '$word' is none of ${!sanitizer_flags[*]} ${!folders[*]}" >&2
    exit 2
  fi
done
if [ ${#sanitizers[@]} = 0 ]; then sanitizers=(address thread); fi
if [ ${#programs[@]} = 0 ]; then programs=(self_test engine_test addon); fi
node_headers=$(node -p "require('node-api-headers').include_dir")
addon_headers=$(header_folder_of node-addon-api)

for sanitizer in "${sanitizers[@]}"; do
  flags=${sanitizer_flags[$sanitizer]}
  out=build/sanitize/$sanitizer
  mkdir -p "$out"
  for program in "${programs[@]}"; do
    echo "== $program, $sanitizer sanitizer"
    if [ "$program" = addon ]; then test_addon; else
      build "$program" "$out/$program"
      "$out/$program"
    fi
  done
done
