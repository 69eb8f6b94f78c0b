#!/usr/bin/env bash
# Runs every fuzz target of fuzz/ for a while: fuzz.sh [SECONDS [TARGET...]]
#
# libFuzzer needs coverage counters, which LLVM's pass adds with flags that the stable compiler takes; neither a nightly compiler nor
# cargo-fuzz is needed. There is no address sanitizer, which would: no crate of ours has unsafe code. Debug assertions and overflow
# checks are on. What libFuzzer finds worth keeping goes to fuzz/corpus, inputs that fail to fuzz/artifacts; both are ignored by git.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

seconds=${1:-60}
targets=("${@:2}")
((${#targets[@]})) || targets=($(basename -s .rs fuzz_targets/*.rs))
triple=$(rustc -vV | sed -n 's/^host: //p')

# With --target the flags leave build scripts alone, which have no libFuzzer to link with.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks --cfg fuzzing" \
  cargo build --release --locked --target "$triple" --bins

failed=()
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  echo "fuzz: $target for $seconds s"
  "target/$triple/release/$target" "corpus/$target" "seeds/$target" -artifact_prefix="artifacts/$target/" \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 -verbosity=0 2>&1 |
    sed '/Recommended dictionary/,/End of recommended dictionary/d' || failed+=("$target")
done
if ((${#failed[@]})); then
  echo "fuzz: failed: ${failed[*]}; the inputs are in fuzz/artifacts" >&2
  exit 1
fi
