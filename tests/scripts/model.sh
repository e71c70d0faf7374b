#!/bin/bash
# Trains or evaluates the anomaly model in a Python environment of its own. Only this needs Python; the
# trained model is checked in.
set -euo pipefail
cd "$(dirname "$0")/../.."

script="models/train/$1.py"
if [ ! -f "$script" ]; then
    echo "model: there is no $script" >&2
    exit 1
fi
if [ ! -d models/.venv ]; then
    python3 -m venv models/.venv
fi
models/.venv/bin/pip install --quiet --requirement models/train/requirements.txt
exec models/.venv/bin/python "$script" "${@:2}"
