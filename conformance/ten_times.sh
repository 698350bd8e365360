#!/usr/bin/env bash
# ten_times.sh PROGRAM ARGUMENT...: a flaky test is a bug; runs the program ten times and fails with the first run that does.
set -euo pipefail
for run in 1 2 3 4 5 6 7 8 9 10; do
  printf 'run %s: ' "$run"
  "$@" 2>/dev/null | tail -n 1
done
