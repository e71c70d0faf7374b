"""Features from the agent's own engine: scenes out as CSV, feature rows in."""

import csv
import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

from scenes import CHANNELS, Scene

ROWS_AT_ONCE = 300_000


def features(binary: Path, scenes: list[Scene]) -> list[np.ndarray]:
    """One array [rows, 48] per scene."""
    result: list[np.ndarray] = []
    pending: list[Scene] = []
    rows = 0
    for scene in scenes:
        pending.append(scene)
        rows += len(scene.time)
        if rows >= ROWS_AT_ONCE:
            result += _run(binary, pending)
            pending, rows = [], 0
    return result + (_run(binary, pending) if pending else [])


def _run(binary: Path, scenes: list[Scene]) -> list[np.ndarray]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["recording", "time", *CHANNELS])
    for scene in scenes:
        writer.writerows(scene.rows())
    done = subprocess.run(
        [str(binary)], input=text.getvalue().encode(), stdout=subprocess.PIPE, check=True
    )
    table = pd.read_csv(io.BytesIO(done.stdout), dtype={"recording": str})
    values = table.drop(columns=["recording", "time"]).to_numpy(np.float32)
    ends = np.cumsum([len(scene.time) for scene in scenes])
    if len(values) != ends[-1]:
        raise RuntimeError(f"the engine gave {len(values)} rows for {ends[-1]}")
    return np.split(values, ends[:-1])
