#!/usr/bin/env bash
# consume.sh WAY SOURCE BUILD FOLDER: builds the project in the folder WAY beside this script, which takes xsipc in that way, and
# runs its program. BUILD is a build tree of xsipc, which is installed for the ways that want it installed.
set -euo pipefail
way=$1
source=$2
build=$3
folder=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rm -rf "$folder"
mkdir -p "$folder"

# Moved after the installation: nothing in it may depend on where it was installed.
cmake --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/installed"
options=()
case $way in
  find_package | conformance) options=("-DCMAKE_PREFIX_PATH=$folder/installed") ;;
  add_subdirectory) options=("-DXSIPC_SOURCE=$source") ;;
  pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(find "$folder/installed" -name xsipc.pc)")
    export PKG_CONFIG_PATH
    ;;
esac
# The consumer is built as xsipc was: a sanitizer in one and not in the other doesn't link.
flags=$(sed -n 's/^XSIPC_SANITIZE:STRING=\(.\+\)$/-fsanitize=\1/p' "$build/CMakeCache.txt")
cmake -S "$here/$way" -B "$folder/build" -G Ninja "${options[@]}" -DCMAKE_CXX_FLAGS="$flags" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cmake --build "$folder/build" >>"$folder/log" 2>&1 || { tail -n 30 "$folder/log"; exit 1; }
"$folder/build/consumer"
