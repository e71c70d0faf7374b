#!/bin/bash
# The numbers. Each prints a table and the command that shows it again. They are taken with the build that is
# tested (dependencies optimised, our own code at opt-level 1); RELEASE=1 takes them with a release build,
# which takes a quarter of an hour to make.
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=debug
if [ -n "${RELEASE:-}" ]; then
    profile=release
    tests/scripts/build.sh release
else
    tests/scripts/build.sh
fi
target=${CARGO_TARGET_DIR:-target}
measure() {
    printf '\n$ %s\n' "$*"
    "$target/$profile/$1" "${@:2}"
}
measure measure latency
measure measure throughput
measure measure modbus
measure measure discovery
measure measure tools
measure measure kills
if [ "$(id -u)" -eq 0 ]; then
    measure measure power-cuts
else
    echo "measure power-cuts: needs root for a loop mount; run it as root" >&2
    exit 1
fi
