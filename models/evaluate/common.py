"""What the evaluations share: running the scorer over a file, intervals, tables.

Every score comes out of the shipped engine, through the command line of `edge-agent score` or of
`cargo run --release -p gridwatch-anomaly --example score` (statistics only), never out of a copy of it.
"""

import argparse
import csv
import io
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LEVELS = {"none": 0, "notice": 1, "warning": 2, "alarm": 3}


class EvaluationError(Exception):
    """A file or the scorer is not as it must be."""


@dataclass
class Scored:
    """What the scorer said of a recording; `score` is NaN where it gave none."""

    time: list[str]
    score: np.ndarray
    level: np.ndarray
    reason: list[str]


def score(command: list[str], file: Path, time: str, channels: list[str]) -> Scored:
    """Runs the scorer over a file. `channels` are COLUMN=KIND[:UNIT]."""
    arguments = [*command, "--time", time]
    for channel in channels:
        arguments += ["--channel", channel]
    run = subprocess.run([*arguments, str(file)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise EvaluationError(f"`{' '.join(command)}` failed on {file}: {run.stderr.strip()}")
    rows = list(csv.DictReader(io.StringIO(run.stdout)))
    return Scored(
        [row["time"] for row in rows],
        np.array([float(row["score"]) if row["score"] else math.nan for row in rows]),
        np.array([LEVELS[row["level"]] for row in rows]),
        [row["top_reason"] for row in rows],
    )


def clopper_pearson(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share, by bisection of the binomial distribution."""
    if of == 0:
        return (0.0, 1.0)
    tail = (1.0 - confidence) / 2.0

    def at_least(p: float) -> float:
        return sum(math.comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(hits, of + 1))

    def solve(rises, target: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if rises(middle) < target else (low, middle)
        return (low + high) / 2

    low = 0.0 if hits == 0 else solve(at_least, tail)
    high = 1.0 if hits == of else solve(lambda p: at_least(p) - math.comb(of, hits) * p**hits * (1 - p) ** (of - hits), 1 - tail)
    return (low, high)


def bootstrap(items: int, statistic, seed: int = 20260101, rounds: int = 400) -> tuple[float, float]:
    """95 % interval of `statistic(indices)` under resampling of whole recordings."""
    random = np.random.default_rng(seed)
    values = [statistic(random.integers(0, items, items)) for _ in range(rounds)]
    return (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))


def table(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Prints a table in Markdown."""
    print(f"\n### {title}\n")
    widths = [max(len(str(cell)) for cell in column) for column in zip(header, *rows)]
    for row in [header, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |")


def reached(holds: bool) -> str:
    """For the column that compares with the target."""
    return "reached" if holds else "NOT reached"


def held_out_tables(name: str, about: str, run, problem: type[Exception]) -> int:
    """The command line of an evaluation of held-out results: prints the tables of `run(data, bins)`."""
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--bins", type=Path, required=True, help="folder of `features` and `levels`")
    arguments = parser.parse_args()
    try:
        print(run(arguments.data, arguments.bins))
    except problem as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 64
    return 0
