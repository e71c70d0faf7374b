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

# The store: alerts committed beside the disk's own syncs, accepted to visible, pages, map and reports with
# 100,000 open cases and with 1,000,000 cases; timers with a process that is killed; 10,000 alerts delivered
# 1 to 20 times each, on SQLite and on PostgreSQL.
cargo build ${RELEASE:+--release} -p hub --example store_bench --example timers_late
numbers=$(mktemp -d)
trap 'rm -rf "$numbers"' EXIT
measure examples/store_bench --url "sqlite:$numbers/bench.db"
measure examples/timers_late "sqlite:$numbers/timers.db" 10000 60 1
printf '\n$ GRIDWATCH_RACE_ALERTS=10000 cargo test -p hub --test it deliveries:: -- --nocapture\n'
GRIDWATCH_RACE_ALERTS=10000 cargo test -q -p hub --test it deliveries:: -- --nocapture

# The console in a real browser against this build's hub: commit to painted, 500 streams, 10,000 open cases, size.
printf '\n$ npm --prefix hub/console run measure %s\n' "$target/$profile/hub"
npm --prefix hub/console run --silent measure "$(realpath "$target/$profile/hub")"

if [ "$(id -u)" -eq 0 ]; then
    measure measure power-cuts
else
    echo "measure power-cuts: needs root for a loop mount; run it as root" >&2
    exit 1
fi
