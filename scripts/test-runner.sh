#!/usr/bin/env bash
# Runs one test program for cargo (Makefile: TIMED) and keeps its lines, with the time each test took, for scripts/slowest-tests.sh.
#
# libtest reports times only under -Zunstable-options, which a stable toolchain allows with RUSTC_BOOTSTRAP. The variable is set for
# the test program, not for the compiler.
#
# The integration tests of the binary (crates/headroom/tests/it) run one at a time: browsers, encoders and real clocks share the
# machine. Tests of speech and messages show their output, because there they say what they skipped.
set -euo pipefail

program=$1
shift

# An example is no test program.
[[ $program == */deps/* ]] || exec "$program" "$@"

options=(-Zunstable-options --report-time)
case $(basename "$PWD")/$(basename "$program") in
  headroom/it-*) options+=(--test-threads=1) ;;
  headroom/voice-* | headroom-infer/*) options+=(--show-output) ;;
esac
# Not a pipeline: a process that a test left behind would keep it open.
status=0
RUSTC_BOOTSTRAP=1 "$program" "${options[@]}" "$@" > >(tee -a "${HEADROOM_TEST_LOG:?where the lines are kept}") || status=$?
sleep 0.1
exit "$status"
