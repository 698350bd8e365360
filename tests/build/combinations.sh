#!/usr/bin/env bash
# combinations.sh SOURCE FOLDER: builds combinations of XSIPC_BACKENDS and XSIPC_DEFAULT_BACKEND and looks at the symbols: a
# backend that isn't compiled in leaves none, and what is impossible is refused with a reason.
set -euo pipefail
source=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder"

die() { echo "FAILED: $*"; exit 1; }

# configure NAME OPTION...: output in NAME.log
configure() {
  local name=$1
  shift
  cmake -S "$source" -B "$folder/$name" -G Ninja -DXSIPC_BUILD_TESTS=OFF "$@" >"$folder/$name.log" 2>&1
}
build() { cmake --build "$folder/$1" >>"$folder/$1.log" 2>&1 || { tail -n 20 "$folder/$1.log"; die "building $1"; }; }
refuses() {
  local name=$1 reason=$2
  shift 2
  if configure "$name" "$@"; then die "$name was accepted"; fi
  grep -qF "$reason" "$folder/$name.log" || { cat "$folder/$name.log"; die "$name was refused without saying '$reason'"; }
}
# has TREE PATTERN: whether a symbol that its libraries define matches.
has() {
  nm --demangle --defined-only "$folder/$1"/lib/*.a >"$folder/$1.symbols" 2>/dev/null
  grep -E "$2" "$folder/$1.symbols"
}

# A program with a backend of its own needs nothing but the interface.
cat >"$folder/own.cpp" <<'PROGRAM'
#include <xsipc/message_queue.hpp>
int main() { return xsipc::deadline::never().is_never() && xsipc::ftok("/", 1) ? 0 : 1; }
PROGRAM
cat >"$folder/default.cpp" <<'PROGRAM'
#include <xsipc/xsipc.hpp>
int main() { return xsipc::default_backend().name() == "sysv" && xsipc::built_backends().size() == 1 ? 0 : 1; }
PROGRAM
cat >"$folder/fake_default.cpp" <<'PROGRAM'
#include <xsipc/xsipc.hpp>
int main() { return xsipc::default_backend().name() == "fake" && xsipc::built_backends().size() == 1 ? 0 : 1; }
PROGRAM
sed 's/"fake"/"posix"/' "$folder/fake_default.cpp" >"$folder/posix_default.cpp"
compile() { # compile TREE PROGRAM LIBRARY...
  local tree=$1 program=$2
  shift 2
  c++ -std=c++20 -I"$source/api/include" -I"$folder/$tree/include" "$folder/$program.cpp" -L"$folder/$tree/lib" "$@" \
    -o "$folder/$tree/$program" && "$folder/$tree/$program" || die "$program with $tree"
}

configure none -DXSIPC_BACKENDS= || die "configuring without a backend"
build none
has none 'xsipc::message_queue::send' >/dev/null || die "the interface is missing"
has none 'sysv|fake|engine|default_backend' && die "a backend that isn't compiled in left symbols"
[ ! -e "$folder/none/lib/libxsipc.a" ] || die "there is a default backend without a backend"
compile none own -lxsipc_api

# Those that stand on the engine: alone_on_engine NAME ANOTHER
alone_on_engine() {
  local name=$1 another=$2 default
  for default in auto "$name"; do
    configure ${name}_$default -DXSIPC_BACKENDS=$name -DXSIPC_DEFAULT_BACKEND=$default || die "configuring $name with default $default"
    build ${name}_$default
    has ${name}_$default "xsipc::make_${name}_backend" >/dev/null || die "$name is missing"
    has ${name}_$default "xsipc::($another|sysv)" && die "a backend that isn't compiled in left symbols"
    compile ${name}_$default ${name}_default -lxsipc -lxsipc_$name -lxsipc_engine -lxsipc_api
  done
}
alone_on_engine fake posix
alone_on_engine posix fake

for default in auto sysv; do
  configure sysv_$default -DXSIPC_BACKENDS=sysv -DXSIPC_DEFAULT_BACKEND=$default || die "configuring sysv with default $default"
  build sysv_$default
  has sysv_$default 'xsipc::make_sysv_backend' >/dev/null || die "sysv is missing"
  has sysv_$default 'xsipc::(posix|fake|engine)' && die "a backend that isn't compiled in left symbols"
  compile sysv_$default default -lxsipc -lxsipc_sysv -lxsipc_api
done

refuses unknown_backend "XSIPC_BACKENDS names 'nonsense'" -DXSIPC_BACKENDS=nonsense
refuses unknown_default "XSIPC_DEFAULT_BACKEND is 'nonsense'; it can be" -DXSIPC_DEFAULT_BACKEND=nonsense
refuses absent_default "which is not compiled in" -DXSIPC_BACKENDS=sysv -DXSIPC_DEFAULT_BACKEND=posix
refuses no_default "which is not compiled in" -DXSIPC_BACKENDS= -DXSIPC_DEFAULT_BACKEND=sysv
echo "combinations: all as expected"
