#!/usr/bin/env bash
# other_compiler.sh SOURCE FOLDER: everything builds with clang, warnings and thread annotations being errors, and the
# quick tests pass.
set -euo pipefail
source=$1
folder=$2
rm -rf "$folder"
cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$folder" | tail -n 30
cd "$folder"
ctest --label-regex '^ci$' --exclude-regex '^mutant' --output-on-failure | tail -n 30
