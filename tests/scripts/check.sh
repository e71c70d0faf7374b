#!/bin/bash
# Every check and test. All steps run, also after one has failed, except that nothing can be tested when the
# build fails. Ends with `N passed, N failed`: tests as their runners count them, and every
# other check as one. Ends with status 1 when anything failed.
set -uo pipefail
cd "$(dirname "$0")/../.."

console=hub/console
target=${CARGO_TARGET_DIR:-target}
logs=$(mktemp -d)
log=
passed=0
failed=0
summary=()

# numbers EXPRESSION: sum of the first group of a sed expression over the lines of the log
numbers() {
    local sum=0 number
    while read -r number; do
        sum=$((sum + number))
    done < <(sed -E 's/\x1b\[[0-9;]*m//g' "$log" | sed -nE "s/$1/\\1/p")
    echo "$sum"
}

# count: adds up what cargo test, vitest and node --test say in $log; sets good and bad
count() {
    good=$(($(numbers '^test result: .* ([0-9]+) passed; .*') \
        + $(numbers '^ *Tests .*[ |]([0-9]+) passed.*') \
        + $(numbers '^[^ ]+ pass ([0-9]+)$')))
    bad=$(($(numbers '^test result: .* ([0-9]+) failed; .*') \
        + $(numbers '^ *Tests .*[ |]([0-9]+) failed.*') \
        + $(numbers '^[^ ]+ fail ([0-9]+)$')))
}

# step NAME COMMAND…: runs a command, counts, and remembers
step() {
    local name=$1 started status
    shift
    log="$logs/${name// /-}.log"
    printf '\n==== %s\n' "$name"
    started=$SECONDS
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    count
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    elif [ $((good + bad)) -eq 0 ]; then
        good=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    summary+=("$(printf '%-34s %5d passed %3d failed %5d s' "$name" "$good" "$bad" $((SECONDS - started)))")
    return "$status"
}

finish() {
    printf '\n==== summary\n'
    printf '%s\n' "${summary[@]}"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    rm -rf "$logs"
    [ "$failed" -eq 0 ]
    exit
}

step "format" cargo fmt --all --check
step "scripts are executable" test -x .ci/run -a -x tests/scripts/setup.sh
step "console checks" npm --prefix "$console" run --silent check
step "console unit tests" npm --prefix "$console" test --silent
step "build" tests/scripts/build.sh || finish
step "lints" cargo clippy --workspace --all-targets -- -D warnings
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
# Test targets are chosen by name, not by package: see build.sh. Tests of the hub mostly wait, so more of
# them run at once than there are cores.
step "unit and integration tests" \
    cargo test --workspace --no-fail-fast --lib --bins --test it -- --test-threads=$((2 * $(nproc)))
step "recorded cases of every format" \
    cargo test --workspace --test formats -- --nocapture
step "mutated messages" cargo test --workspace --test fuzz
step "example configuration of the agent" \
    "$target/debug/edge-agent" check --config configs/edge.example.toml
step "end-to-end tests" cargo test --workspace --no-fail-fast --test line -- --test-threads=2
step "generated requests" "$target/schemathesis/bin/python" tests/api/run.py "$target/debug/hub"
step "browser tests, simulated hub" \
    env GRIDWATCH_HUB="$(realpath "$target/debug/hub")" npm --prefix "$console" run --silent test:browser
# The demo checks its own cases first, and ends with another status when one is missing.
step "demo, and browser tests on its hub" \
    "$target/debug/demo" --once --then "npm --prefix $console run --silent test:browser"
finish
