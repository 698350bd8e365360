#!/usr/bin/env bash
# Lines and branches of backends/engine that the conformance suite on the fake and 50,000 steps of differential testing
# reach, by file, and the lines that they don't; then the same with the tests of tests/engine. Needs lcov.
# tools/dev/coverage.sh [BRANCHES]: the second time those not taken, too.
#
# What only a death or a neighbour's rubbish reaches - recovery, checks of numbers from the arena - is the business of
# tests/engine/*_images_test.cpp and tests/fuzz, and shows up the first time as not reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$PWD/build/coverage
report=$build/engine.info
lcov() { command lcov --quiet --rc lcov_branch_coverage=1 --rc geninfo_no_exception_branch=1 "$@"; }

report() {
  lcov --capture --directory "$build/backends" --base-directory "$PWD" --output-file "$build/all.info" 2>/dev/null
  lcov --extract "$build/all.info" "$PWD/backends/engine/*" --output-file "$report"
  # DA:line,count and BRDA:line,block,branch,taken of each file.
  awk -F'[:,]' -v branches="$1" '
    function part(of, all) { return all == 0 ? "     -" : sprintf("%5.1f%%", 100 * of / all) }
    function figures(of, hit, lines, taken, ways) {
      printf "%-26s lines %s of %4d  branches %s of %4d\n", of, part(hit, lines), lines, part(taken, ways), ways
    }
    /^SF:/ { file = $2; sub(/.*\//, "", file); all = hit = ways = taken = 0; missed = untaken = "" }
    /^DA:/ { ++all; if ($3 > 0) ++hit; else missed = missed " " $2 }
    /^BRDA:/ { ++ways; if ($5 != "-" && $5 > 0) ++taken; else if (untaken !~ " " $2 "$") untaken = untaken " " $2 }
    /^end_of_record/ {
      figures(file, hit, all, taken, ways)
      if (missed != "") print "    lines not reached:" missed
      if (branches != "" && untaken != "") print "    branches not taken in lines:" untaken
      all_lines += all; all_hit += hit; all_ways += ways; all_taken += taken
    }
    END { figures("all of backends/engine", all_hit, all_lines, all_taken, all_ways) }
  ' "$report"
}

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DXSIPC_COVERAGE=ON \
  "-DXSIPC_BACKENDS=sysv;fake" >/dev/null
cmake --build "$build" --target xsipc_tool xsipc_differential_program engine_tests >/dev/null
find "$build" -name '*.gcda' -delete
export GCOV_ERROR_FILE=/dev/null  # actors that run as somebody else write no counts, and have none to write

"$build/bin/xsipc" conformance --backend=fake 2>/dev/null | tail -1
"$build/bin/differential" --backends=sysv,fake --steps=50000 --seed=1 | sed -n 2p
report ""
echo
"$build/bin/engine_tests" | tail -1
report "${1:-}"
