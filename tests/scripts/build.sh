#!/bin/bash
# Builds the console, then everything that embeds or starts it. `build.sh release` for measurements.
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=()
[ "${1:-}" = release ] && profile=(--release)

console=hub/console
# Only when a source is newer than the build.
if [ ! -f "$console/dist/index.html" ] || [ -n "$(find "$console" \
    \( -name node_modules -o -name dist -o -name browser-tests \) -prune -o \
    -type f -newer "$console/dist/index.html" -print -quit)" ]; then
    npm --prefix "$console" run --silent build
fi
# Always the whole workspace with its tests: another choice of packages would choose other features of
# what they depend on, and build the model's runtime, the longest part, once more.
cargo build --workspace --all-targets "${profile[@]}"
