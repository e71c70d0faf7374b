#!/bin/bash
# Trains or evaluates the anomaly models in a Python environment of its own. Only this needs Python; the
# trained models are checked in. `train` writes and signs the bundles; `evaluate` trains anew, compares every
# file with what is checked in, and runs all measurements.
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

python=models/.venv/bin/python

# Both bundles.
train() {
    local status=0
    "$python" models/train/train.py --data "$DATA" --bins "$bins" "$@" || status=$?
    if [ -f models/train/counts.py ]; then
        "$python" models/train/counts.py --data "$DATA" --features-bin "$bins/count_features" "$@" || status=$?
    fi
    return "$status"
}

if [ "$what" = train ]; then
    train
    # The secret key is made when there is none, and is nowhere but in this ignored folder; its public key goes
    # to the configuration that is compiled into the agent.
    "$bins/sign_bundle" --key models/.keys/models.key --config configs/edge.toml \
        models/env-fuser models/count-fuser
    exit
fi
# The measurements run even when a file differs: then they say what that does.
status=0
train --check || status=$?
for measure in nist rooms; do
    "$python" "models/evaluate/$measure.py" --data "$DATA" --bins "$bins" || status=$?
done
# SCORE="target/release/edge-agent score" measures the agent with its models instead of the statistics alone.
read -r -a score <<<"${SCORE:-$bins/score}"
"$python" models/evaluate/calit2.py --data "$DATA" --score-bin "${score[@]}" || status=$?
"$python" models/evaluate/evaluate.py --data "$DATA" --score-bin "${score[0]}" \
    --score-args "${score[*]:1}" || status=$?
exit "$status"
