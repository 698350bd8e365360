# For cmake/run.sh and cmake/test.sh, which source it: where the project is, and installing what is missing.
# Installs nothing but libraries and build tools, from Debian's packages, and says which.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# What every build needs: compiler, build tools, abseil, Boost's headers, GoogleTest with GoogleMock; patch plants defects.
packages_to_build=(g++ cmake ninja-build patch libabsl-dev libboost-dev libgtest-dev libgmock-dev)

say() { printf '== %s\n' "$*"; }
die() { printf '== FAILED: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root or sudo: $*"
  fi
}

# Installs those of the named packages that are missing; asks the network for nothing if none is.
install_missing() {
  command -v dpkg-query >/dev/null || die "this is not Debian: install what corresponds to $* and use the presets of CMakePresets.json"
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Configures and builds a preset.
build_preset() {
  say "configuring $1"
  cmake --preset "$1" >/dev/null || die "configuring $1"
  say "building $1"
  cmake --build --preset "$1" || die "building $1"
}
