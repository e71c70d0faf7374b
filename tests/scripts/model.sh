#!/bin/bash
# Trains or evaluates the anomaly model in a Python environment of its own. Only this needs Python; the
# trained model is checked in.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${DATA:-}" ]; then
    echo "model: say where the recordings are: make $1 DATA=folder (models/README.md tells where to get them)" >&2
    exit 1
fi
target=${CARGO_TARGET_DIR:-target}
cargo build --release -p gridwatch-anomaly --example features
[ -d models/.venv ] || python3 -m venv models/.venv
models/.venv/bin/pip install --quiet --requirement models/train/requirements.txt
exec models/.venv/bin/python "models/train/$1.py" --data "$DATA" \
    --features-bin "$target/release/examples/features" "${@:2}"
