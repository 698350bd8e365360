#!/usr/bin/env bash
# as_ordinary_user.sh PROGRAM ARGUMENT...: runs the program as `nobody` if the caller is root, else as he is. The
# program is copied to where everybody may execute it: a checkout may lie in somebody's home.
set -euo pipefail
program=$1
shift
if [ "$(id -u)" -ne 0 ]; then
  exec "$program" "$@"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$program" "$folder/program"
chmod 755 "$folder" "$folder/program"
cd "$folder"
setpriv --reuid=65534 --regid=65534 --clear-groups ./program "$@"
