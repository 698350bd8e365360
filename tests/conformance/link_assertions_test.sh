#!/usr/bin/env bash
# link_assertions_test.sh PROGRAM: link_assertions must accept rules and tests that fit, and fail, naming the culprit, if they don't.
set -euo pipefail
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

catalogue() { printf '%s\tshall\tmsgget\tneeds\trule of %s\tXSI\n' A-01 A-01 B-01 B-01 >catalogue.tsv; }
suite() { printf 'XSI_SUITE(s)\nTEST_F(Suite, Works) {\n  XSI_ASSERTION(%s);\n}\n' "$1" >s_suite.cpp; }
pending() { printf '%s\n' "$@" >pending.txt; }
link() { "$program" catalogue.tsv pending.txt table.cpp coverage.md "$folder" s_suite.cpp 2>errors.txt; }

accepts() { link || { echo "FAILED: $1 was refused:"; cat errors.txt; exit 1; }; }
refuses() {
  if link; then echo "FAILED: $1 was accepted"; exit 1; fi
  grep -q "$2" errors.txt || { echo "FAILED: $1 was refused without saying '$2':"; cat errors.txt; exit 1; }
}

catalogue; suite '"A-01"'; pending 'B-* comes later'
accepts "one rule proven, one pending"
grep -q 'A-01.*Suite.Works' coverage.md || { echo "FAILED: the coverage table lacks a proof"; exit 1; }

suite '"A-01", "B-01"'; pending '# nothing'
accepts "two rules in one test"

suite '"A-01"'; pending '# nothing'
refuses "a rule without a test" 'catalogue.tsv:2: error: B-01 (shall) is proven by no test'

suite '"A-01", "C-01"'; pending 'B-* comes later'
refuses "an unknown rule" 's_suite.cpp:2: error: Suite.Works proves C-01, which the catalogue'

suite ''; pending 'A-* later' 'B-* later'
refuses "a test without a rule" 'Suite.Works proves no rule'

suite '"A-01", "B-01"'; pending 'B-* comes later'
refuses "a pending rule that is proven" 'pending.txt:1: error: B-\* names no rule'

suite '"A-01"'; pending 'B-*'
refuses "a pending rule without a reason" 'needs a reason'

catalogue; sed -n 1p catalogue.tsv >>catalogue.tsv; suite '"A-01"'; pending 'B-* comes later'
refuses "a rule that stands twice" 'A-01 stands here twice'

catalogue; sed -i 's/shall/must/' catalogue.tsv; pending 'B-* comes later'
refuses "an unknown level" 'not must'

catalogue; suite '"A-01"'; sed -i /XSI_SUITE/d s_suite.cpp
refuses "a suite that programs could lose" 'XSI_SUITE(name) is missing'
echo "link_assertions: all as expected"
