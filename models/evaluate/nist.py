"""NIST fires through the agent's programs: every smoke meter alone, and rooms with several sensors.

`run(data_dir, bins)` gives the tables as Markdown. Models are trained without the fire they are tested
on; results are those of `make train` when its data, programs and configuration are the same. NIST published
eight tests; of those that are in the folder beside the five of the training (SDC10, SDC38, SDC39), the shipped
model has seen nothing, and it is tested on them as it is.
"""

import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train"))

import results  # sets the number of threads before numpy is loaded
import data as recordings
import engine
import heldout
import numpy as np
import onnxruntime
import pandas as pd
import scenes
import tables
from common import held_out_tables
from engine import Bins

SHIPPED = Path(__file__).resolve().parent.parent / "env-fuser"


def run(data_dir: Path, bins: Path) -> str:
    """Tables for the recordings under `data_dir`; `bins` is the folder of `features` and `levels`."""
    folds = results.held_out(Path(data_dir), Path(bins))
    parts = ["## NIST fires, smoke meters", *tables.meters(folds)]
    parts += ["## NIST fires in a room", *tables.fires(folds)]
    parts += ["## NIST fires that the training does not have", *_untouched(Path(data_dir), Path(bins))]
    parts += ["## Reached or not (env-fuser)", *tables.targets(folds)]
    return "\n".join(parts) + "\n"


def _untouched(data_dir: Path, bins: Path) -> list[str]:
    """The shipped model on tests that it was not trained on."""
    meters = []
    for path in sorted((data_dir / "nist_smoke_alarms").glob("NIST_Smoke_Alarms_SDC*.csv")):
        fire = path.stem.removeprefix("NIST_Smoke_Alarms_")
        if fire not in recordings.FIRES:
            found = recordings.meters(fire, pd.read_csv(path))
            meters += [m for m in found if np.isfinite(m.smoke).all()]
    if not meters:
        return ["None in the folder (SDC10, SDC38, SDC39): not measured.", ""]
    tests = [scenes.meter(m) for m in meters]
    manifest = tomllib.loads((SHIPPED / "manifest.toml").read_text())
    session = onnxruntime.InferenceSession(SHIPPED / "model.onnx", providers=["CPUExecutionProvider"])
    rows = engine.features(Bins.under(bins), tests)
    scores = [session.run(["score"], {"features": r})[0][:, 0].astype(float) for r in rows]
    prior = tuple(manifest["thresholds"][k] for k in ("notice", "warning", "alarm", "notice"))
    levels = engine.levels(Bins.under(bins), prior, [(t.time, s) for t, s in zip(tests, scores)])

    def first(test, holds) -> float:
        return float(test.time[holds][0]) if holds.any() else np.inf

    fixed = {t.name: first(t, t.values["smoke"] >= heldout.FIXED_OD) for t in tests}
    model = {t.name: first(t, level >= 2) for t, level in zip(tests, levels)}
    lead = heldout.leads(fixed, model)
    low, high = heldout.clopper_pearson(heldout.missed(model), len(tests))
    return [
        "| meters | missed by 0.14 1/m | missed by the shipped model's warning | 95 % of the share | s earlier, median |",
        "|---|---|---|---|---|",
        f"| {len(tests)} | {heldout.missed(fixed)} | {heldout.missed(model)} | {low:.2f}–{high:.2f} "
        f"| {np.median(lead) if len(lead) else float('nan'):.0f} |",
        "",
    ]


if __name__ == "__main__":
    sys.exit(held_out_tables("nist", __doc__, run, results.DataError))
