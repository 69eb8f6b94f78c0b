#!/usr/bin/env bash
# The ten slowest tests of a run, and how long all tests took together: slowest-tests.sh LOG
#
# LOG holds what test programs printed with --report-time. A line is `test NAME ... ok <1.234s>`; where a test wrote in between, NAME
# and time are on two lines.
set -euo pipefail

awk '
  /^test .* \.\.\. / || /^test .* \.\.\.$/ { name = $2 }
  match($0, /(ok|FAILED)( \([^)]*\))? <[0-9.]+s>$/) {
    time = substr($0, RSTART); gsub(/.*<|s>/, "", time)
    if (name != "") { printf "%.1f\t%s\n", time, name; name = "" }
  }
' "$1" | sort -rn | awk '
  NR == 1 { print "slowest tests" }
  NR <= 10 { printf "%8.1f s  %s\n", $1, $2 }
  { sum += $1 }
  END { printf "%8.1f s  all %d tests, one after another\n", sum, NR }
'
