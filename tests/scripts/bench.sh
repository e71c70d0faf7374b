#!/bin/bash
# The numbers, measured with release builds. Each prints a table and the command that shows it again.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/scripts/build.sh release
target=${CARGO_TARGET_DIR:-target}
measure() {
    printf '\n$ %s\n' "$*"
    "$target/release/$1" "${@:2}"
}
measure measure latency
measure measure throughput
measure measure kills
if [ "$(id -u)" -eq 0 ]; then
    measure measure power-cuts
else
    echo "measure power-cuts: needs root for a loop mount; run it as root" >&2
    exit 1
fi
