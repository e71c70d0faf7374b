#!/bin/bash
# Trains or evaluates the anomaly models in a Python environment of its own. Only this needs Python; the
# trained models are checked in. `train` writes the bundles (without a signature: see models/README.md);
# `evaluate` trains anew, compares every file with what is checked in, and runs all measurements.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-}
if [ "$what" != train ] && [ "$what" != evaluate ]; then
    echo "model: say what to do: tests/scripts/model.sh train|evaluate" >&2
    exit 64
fi
if [ -z "${DATA:-}" ]; then
    echo "model: say where the recordings are: make $what DATA=folder (models/README.md tells where to get them)" >&2
    exit 64
fi
if [ ! -d "$DATA" ]; then
    echo "model: $DATA is not a folder; make $what DATA=folder needs the one that holds the recordings" >&2
    exit 64
fi
target=${CARGO_TARGET_DIR:-target}
cargo build --release -p gridwatch-anomaly --examples
bins=$target/release/examples
[ -d models/.venv ] || python3 -m venv models/.venv
models/.venv/bin/pip install --quiet --requirement models/train/requirements.txt

# Both bundles; the second one has a trainer of its own.
train() {
    local status=0
    models/.venv/bin/python models/train/train.py --data "$DATA" --bins "$bins" "$@" || status=$?
    if [ -f models/train/counts.py ]; then
        models/.venv/bin/python models/train/counts.py --data "$DATA" --bins "$bins" "$@" || status=$?
    fi
    return "$status"
}

if [ "$what" = train ]; then
    train
    exit
fi
same=0
train --check || same=$?
models/.venv/bin/python models/evaluate/evaluate.py --data "$DATA" --bins "$bins"
exit "$same"
