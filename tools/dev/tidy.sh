#!/usr/bin/env bash
# Runs clang-tidy over the project's sources with the checks of .clang-tidy. Needs clang-tidy 14 and a configured
# preset dev. tools/dev/tidy.sh [FILE...]: all sources, or only these.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cmake --preset dev -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files '*.cpp')
  set -- "${files[@]}"
fi
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 \
  clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option
