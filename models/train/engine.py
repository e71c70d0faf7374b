"""The agent's own engine: recordings out as CSV, feature rows in; evidence out, levels in."""

import csv
import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scenes import COLUMNS, EPOCH_S, Scene

ROWS_AT_ONCE = 200_000


@dataclass(frozen=True)
class Bins:
    """The programs built from `edge-agent/anomaly/examples`."""

    features: Path
    levels: Path

    @staticmethod
    def under(folder: Path) -> "Bins":
        return Bins(Path(folder) / "features", Path(folder) / "levels")


def features(bins: Bins, scenes: list[Scene]) -> list[np.ndarray]:
    """One array [rows, 80] per scene."""
    result: list[np.ndarray] = []
    pending: list[Scene] = []
    rows = 0
    for scene in scenes:
        pending.append(scene)
        rows += len(scene.time)
        if rows >= ROWS_AT_ONCE:
            result += _features(bins, pending)
            pending, rows = [], 0
    return result + (_features(bins, pending) if pending else [])


def _features(bins: Bins, scenes: list[Scene]) -> list[np.ndarray]:
    text = io.StringIO()
    text.write(",".join(["recording", "time", *COLUMNS]) + "\n")
    for scene in scenes:
        text.write(scene.csv())
    done = subprocess.run(
        [str(bins.features)], input=text.getvalue().encode(), stdout=subprocess.PIPE, check=True
    )
    table = pd.read_csv(io.BytesIO(done.stdout), dtype={"recording": str})
    values = table.drop(columns=["recording", "time"]).to_numpy(np.float32)
    ends = np.cumsum([len(scene.time) for scene in scenes])
    if len(values) != ends[-1]:
        raise RuntimeError(f"the engine gave {len(values)} rows for {ends[-1]}")
    return np.split(values, ends[:-1])


def levels(
    bins: Bins, prior: tuple[float, float, float, float], runs: list[tuple[np.ndarray, np.ndarray]]
) -> list[np.ndarray]:
    """Level 0 to 3, row by row, of each (time, evidence): the agent's calibration and episodes."""
    if not runs:
        return []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["recording", "time", "evidence"])
    for number, (time, evidence) in enumerate(runs):
        rows = zip([number] * len(time), (time + EPOCH_S).tolist(), evidence.tolist())
        writer.writerows(rows)
    done = subprocess.run(
        [str(bins.levels), *map(repr, map(float, prior))],
        input=text.getvalue().encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    found = pd.read_csv(io.BytesIO(done.stdout))["level"].to_numpy(np.int8)
    ends = np.cumsum([len(time) for time, _ in runs])
    return np.split(found, ends[:-1])
