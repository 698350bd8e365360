#!/usr/bin/env bash
# Builds the preset dev and runs the tests that carry a label: ci (default) or nightly. Installs what is missing
# first. Works from any directory; exit status 0 means that every test passed.
#
#   cmake/test.sh [LABEL]            XSIPC_PRESET=asan cmake/test.sh [LABEL]   the same for another preset
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"

[ $# -le 1 ] || die "usage: cmake/test.sh [LABEL]"
label=${1:-ci}
preset=${XSIPC_PRESET:-dev}

install_missing "${packages_to_build[@]}"
# The long tests also build with the other compiler, and a project that finds xsipc by pkg-config.
[ "$label" != nightly ] || install_missing clang pkg-config
build_preset "$preset"

say "tests labelled $label"
ctest --preset "$preset" --label-regex "^${label}\$" || die "tests labelled $label"
say "PASSED: tests labelled $label"
