#!/usr/bin/env bash
# missing_package.sh SOURCE FOLDER: a dependency that isn't there fails the configuration, with the package's name and the
# command that installs it; and the libraries alone need none.
set -euo pipefail
source=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder"

check() { # check DEPENDENCY PACKAGE
  if cmake -S "$source" -B "$folder/$1" -G Ninja -DCMAKE_DISABLE_FIND_PACKAGE_"$1"=ON >"$folder/$1.log" 2>&1; then
    echo "FAILED: without $1 the configuration succeeds"
    exit 1
  fi
  grep -q "apt-get install $2" "$folder/$1.log" || { cat "$folder/$1.log"; echo "FAILED: $2 is not named"; exit 1; }
}
check absl libabsl-dev
check GTest libgmock-dev
check Boost libboost-dev
cmake -S "$source" -B "$folder/libraries" -G Ninja -DXSIPC_BUILD_TESTS=OFF -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON \
  -DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON >"$folder/libraries.log" 2>&1 || { cat "$folder/libraries.log"; exit 1; }
echo "missing packages: all as expected"
