#!/usr/bin/env bash
# run.sh SOURCE FOLDER TARGET SECONDS: builds one fuzzer with clang in FOLDER and runs it, beginning with the corpus. What it
# finds stays in FOLDER/found.
set -euo pipefail
source=$1
folder=$2
target=$3
seconds=$4
flags=(-std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
  -I"$source/api/include" -I"$folder/include" -I"$source/backends/engine")

mkdir -p "$folder/objects" "$folder/include/xsipc" "$folder/corpus.$target" "$folder/found"
exec 9>"$folder/lock"
flock 9  # targets share objects
config="$folder/include/xsipc/config.hpp"
[[ -e $config ]] || sed -e 's/@PROJECT_VERSION@/0/' -e 's/@XSIPC_HAS_[A-Z_]*@/1/' -e 's/@XSIPC_[A-Z_]*@/0/' "$source/cmake/config.hpp.in" >"$config"
objects=()
for file in "$source"/backends/*.cpp "$source"/backends/{engine,fake,sysv}/*.cpp "$source"/api/src/{explain,ipc_error}.cpp \
  "$source"/api/src/decorators/{argument_check,checked_backend}.cpp; do
  object="$folder/objects/$(basename "$(dirname "$file")").$(basename "$file").o"
  objects+=("$object")
  if [[ -e $object && -z $(find "$source"/{api,backends} \( -name '*.hpp' -o -path "$file" \) -newer "$object") ]]; then
    continue
  fi
  clang++ "${flags[@]}" -fsanitize=fuzzer-no-link -c "$file" -o "$object"
done
clang++ "${flags[@]}" -fsanitize=fuzzer "$source/tests/fuzz/fuzz_$target.cpp" "${objects[@]}" -o "$folder/fuzz_$target"
flock -u 9
exec nice "$folder/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -entropic=0 -len_control=0 -timeout=25 -rss_limit_mb=4096 -print_final_stats=1 \
  -artifact_prefix="$folder/found/$target." "$folder/corpus.$target" "$source/tests/fuzz/corpus/$target"
