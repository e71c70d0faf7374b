#!/bin/bash
# Installs what building, tests and the demo need and this machine lacks. Running it again does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

# What each is for: a C compiler and make (SQLite, ring), a real broker, a real browser, a server with
# the InfluxDB write API, a real PostgreSQL, a real mail server, wrong clocks, a file system for the
# power-cut rig, and a place for the shared ONNX Runtime that the models are compared on.
packages=(
    build-essential ca-certificates
    mosquitto mosquitto-clients
    chromium
    victoria-metrics
    postgresql
    python3-aiosmtpd
    libfaketime
    e2fsprogs
    strace
    python3-venv
)

fail() {
    echo "setup: $*" >&2
    exit 1
}

# at_least HAVE WANT: whether version HAVE is WANT or newer
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# room FOLDER MIB WHAT VARIABLE: ends here, and not in the middle of a build or a test, when there is too little room
room() {
    local folder=$1 free
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$2" ] || fail "$3 needs $2 MiB, $(realpath "$folder") has $free MiB free: make room, or set $4 to a folder with more"
}

target=${CARGO_TARGET_DIR:-target}
if [ ! -x "$target/debug/hub" ]; then
    room "$target" 4000 "a first build" CARGO_TARGET_DIR
fi
room "${TMPDIR:-/tmp}" 1000 "what tests and demo keep while they run" TMPDIR

command -v cargo >/dev/null || fail "cargo is not installed: Gridwatch needs Rust, see https://rustup.rs"
rust_wanted=$(sed -nE 's/^rust-version = "([0-9.]+)"/\1/p' Cargo.toml)
rust_have=$(cargo --version | sed -E 's/cargo ([0-9.]+).*/\1/')
at_least "$rust_have" "$rust_wanted" || fail "Rust is $rust_have, Gridwatch needs $rust_wanted or newer"

command -v node >/dev/null || fail "node is not installed: the console needs Node 20.19 or newer"
command -v npm >/dev/null || fail "npm is not installed: the console needs it beside Node"
node_have=$(node --version | tr -d v)
at_least "$node_have" 20.19 || fail "Node is $node_have, the console needs 20.19 or newer"

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing Debian packages: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "installing ${missing[*]} needs root: install them, or sudo"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

console=hub/console
if [ -f "$console/package-lock.json" ]; then
    if [ "$console/package-lock.json" -nt "$console/node_modules/.package-lock.json" ]; then
        echo "setup: installing the console's npm packages"
        npm ci --prefix "$console" --no-audit --no-fund --loglevel=error
        touch "$console/node_modules/.package-lock.json"
    fi
fi

# The shared ONNX Runtime comes from its Python package; `make train` adds the rest to the same folder.
venv=models/.venv
runtime=$(grep '^onnxruntime==' models/train/requirements.txt)
if ! "$venv/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('onnxruntime') != '${runtime#*==}')" 2>/dev/null; then
    echo "setup: installing $runtime in $venv, to compare the models on both runtimes"
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$runtime"
fi

# What sends generated requests to the hub, in an environment of its own; the list names every version.
venv=$target/schemathesis
if ! cmp -s tests/api/requirements.txt "$venv/installed.txt"; then
    echo "setup: installing $(grep '^schemathesis==' tests/api/requirements.txt) in $venv"
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/api/requirements.txt
    cp tests/api/requirements.txt "$venv/installed.txt"
fi
