#!/usr/bin/env bash
# The main job: holds every backend that is built against the rules of XSI and prints the matrix, then runs the
# client-server demo. Installs what is missing first. Works from any directory; exit status 0 means all is well.
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"

[ $# -eq 0 ] || die "usage: cmake/run.sh"
install_missing "${packages_to_build[@]}"
build_preset release

failed=()
say "conformance of every backend"
build/release/bin/xsipc conformance || failed+=("conformance")
for backend in sysv posix fake; do
  say "demo on $backend"
  XSIPC_BACKEND=$backend build/release/bin/demo || failed+=("demo on $backend")
done
say "an application's tests on the fake"
build/release/bin/mailroom_test || failed+=("an application's tests on the fake")

[ ${#failed[@]} -eq 0 ] || die "${failed[*]}"
say "PASSED: every backend conforms, and the demo ran"
