#!/usr/bin/env bash
# command_test.sh PROGRAM: bin/xsipc as a user calls it: exit status and what is said, to whom.
set -uo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failures=0

# says PATTERN FILE: an empty pattern asks for nothing.
says() { [ -z "$1" ] || grep -qE -- "$1" "$2"; }

# expect STATUS PATTERN-IN-OUT PATTERN-IN-ERR ARGUMENT...
expect() {
  local status=$1 out=$2 err=$3
  shift 3
  "$program" "$@" >out.txt 2>err.txt </dev/null
  local got=$?
  if [ $got -ne "$status" ] || ! says "$out" out.txt || ! says "$err" err.txt; then
    echo "FAILED: xsipc $* ended with $got (expected $status, '$out', '$err')"
    sed 's/^/  out: /' out.txt | tail -n 5
    sed 's/^/  err: /' err.txt | tail -n 5
    failures=$((failures + 1))
  fi
}

expect 0 '^xsipc [0-9]' '' version
expect 0 'xsipc conformance' '' help
expect 2 '' 'xsipc conformance'
expect 2 '' 'no command is named nonsense' nonsense
expect 2 '' 'is too many' conformance version
expect 2 '' 'no backend nonsense was built; there is: sysv,' conformance --backend=nonsense
expect 2 '' 'console, json, junit or html' conformance --format=nonsense
expect 2 '' 'no test proves a rule' conformance --backend=sysv --filter=NONSENSE-01
expect 2 '' 'can.t be written' conformance --backend=sysv --filter=KEY-01 --output=/nonexistent/report
expect 0 '^KEY-01 +shall ' '' conformance --list --filter=KEY-01
expect 0 '^[1-9][0-9]* passed, 0 failed, 0 skipped$' 'passed' conformance --backend=sysv --filter=KEY-01
expect 0 '^KEY-01 +shall passed' '' conformance --backend=sysv '--filter=KEY-0*,FTOK-02'
expect 0 '"id": "KEY-01", "level": "shall", "result": "passed"' '' conformance --backend=sysv --filter=KEY-01 --format=json
expect 0 '<td class="result passed">' '' conformance --backend=sysv --filter=KEY-01 --format=html
expect 0 '<testcase classname="sysv' '' conformance --backend=sysv --filter=KEY-01 --format=junit
expect 0 '' '' conformance --backend=sysv --filter=KEY-01 --format=junit --output=report.xml
grep -q '</testsuites>' report.xml || { echo "FAILED: --output wrote no report"; failures=$((failures + 1)); }
[ -s out.txt ] && { echo "FAILED: --output, and still something on standard output"; failures=$((failures + 1)); }

# The last line is the verdict.
"$program" conformance --backend=sysv --filter=FTOK-02 2>/dev/null | tail -n 1 | grep -qE '^[0-9]+ passed, 0 failed, 0 skipped$' ||
  { echo "FAILED: the last line is not the verdict"; failures=$((failures + 1)); }
# Without --backend there is a matrix when several are built, and a report in any case.
expect 0 '^XSI conformance of backend sysv' '' conformance --filter=KEY-01

[ $failures -eq 0 ] && echo "bin/xsipc: all as expected"
exit $((failures != 0))
