#!/usr/bin/env bash
# flat.sh SOURCE FOLDER: builds the measurement with optimisation and runs it.
set -euo pipefail
cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$2" --target xsipc_flat_bench >/dev/null
"$2/bin/xsipc_flat_bench"
