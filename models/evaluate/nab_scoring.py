"""The scoring rules of the Numenta Anomaly Benchmark.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark",
ICMLA 2015, and the benchmark's documentation: in each labelled window the earliest detection earns
sigmoidal credit, a missed window costs, a detection outside costs the more the further it lies behind the
last window, and the first 15 % of a file (at most 750 rows) are for learning. A detector's score is scaled
so that a silent detector has 0 and a perfect one 100; its threshold is the one that is best for all files.

`python nab_scoring.py DIR` checks this file against published results; see `check`.
"""

import csv
import json
import math
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

# Weights of a window found, of a row outside, of a window missed.
PROFILES = {
    "standard": (1.0, 0.11, 1.0),
    "low false positives": (1.0, 0.22, 1.0),
    "low false negatives": (1.0, 0.11, 2.0),
}
PUBLISHED = Path(__file__).with_name("nab_windowed_gaussian.csv")


def sigmoid(position: float) -> float:
    """Credit at a position in units of the window: −1 is its left edge, 0 its right edge."""
    return -1.0 if position >= 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0


@dataclass
class Series:
    """One file of the corpus; windows are pairs of row numbers, both inside."""

    name: str
    path: Path
    time: list[str]
    value: np.ndarray
    windows: list[tuple[int, int]]

    @property
    def learning(self) -> int:
        """Rows that do not count."""
        return math.floor(0.15 * min(len(self.value), 5000))


def load(folder: Path) -> list[Series]:
    """All files of the corpus that are there."""
    windows = json.loads((folder / "combined_windows.json").read_text())
    corpus = []
    for name, limits in sorted(windows.items()):
        path = folder / "data" / name
        if not path.exists():
            continue
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
        place = {}
        for index, time in enumerate(times):
            place.setdefault(time, index)
        corpus.append(
            Series(
                name,
                path,
                [row["timestamp"] for row in rows],
                np.array([float(row["value"]) for row in rows]),
                [tuple(place[datetime.fromisoformat(edge)] for edge in limit) for limit in limits],
            )
        )
    return corpus


@dataclass
class Steps:
    """How the raw score of a file changes as the threshold falls: thresholds in falling order."""

    thresholds: np.ndarray
    changes: np.ndarray
    windows: int
    counted: int


def steps(series: Series, scores: np.ndarray, profile: tuple[float, float, float]) -> Steps:
    """Weighs every row and keeps what would change the score. A row without a score is never found."""
    found, outside, missed = profile
    weight = np.full(len(scores), -outside)
    window = np.full(len(scores), -1)
    for number, (first, last) in enumerate(series.windows):
        rows = np.arange(first, last + 1)
        width = last - first + 1
        weight[rows] = [sigmoid(-(last - row + 1) / width) * found / sigmoid(-1.0) for row in rows]
        window[rows] = number
        after = series.windows[number + 1][0] if number + 1 < len(series.windows) else len(scores)
        for row in range(last + 1, after):
            weight[row] = sigmoid((row - last) / (width - 1)) * outside
    order = [row for row in np.argsort(-scores, kind="stable") if row >= series.learning and not math.isnan(scores[row])]
    best: dict[int, float] = {}
    thresholds, changes = [], []
    for row in order:
        number = window[row]
        if number < 0:
            change = weight[row]
        else:
            before = best.get(number, -missed)
            change = max(weight[row] - before, 0.0)
            best[number] = before + change
        if change != 0.0:
            thresholds.append(scores[row])
            changes.append(change)
    counted = sum(last >= series.learning for _, last in series.windows)
    return Steps(np.array(thresholds), np.array(changes), len(series.windows), counted)


def gain(one: Steps, threshold: float) -> float:
    """What the file gains over a silent detector at a threshold."""
    return float(one.changes[one.thresholds >= threshold].sum())


def best_threshold(many: list[Steps]) -> float:
    """The threshold that is best for these files together; above 1 where silence is best."""
    thresholds = np.concatenate([one.thresholds for one in many])
    changes = np.concatenate([one.changes for one in many])
    order = np.argsort(-thresholds, kind="stable")
    thresholds, total = thresholds[order], np.cumsum(changes[order])
    last = np.append(thresholds[1:] != thresholds[:-1], True)
    if not last.any() or total[last].max() <= 0.0:
        return 1.1
    return float(thresholds[last][np.argmax(total[last])])


def normalised(gained: float, many: list[Steps], profile: tuple[float, float, float]) -> float:
    """0 for a silent detector, 100 for a perfect one."""
    found, _, missed = profile
    perfect = found * sum(one.windows for one in many) + missed * sum(one.counted for one in many)
    return 100.0 * gained / perfect if perfect else math.nan


def corpus_score(corpus: list[Series], scores: list[np.ndarray]) -> dict[str, tuple[float, float]]:
    """Score and threshold for each profile, the threshold optimised on the same files."""
    result = {}
    for name, profile in PROFILES.items():
        many = [steps(series, score, profile) for series, score in zip(corpus, scores)]
        threshold = best_threshold(many)
        gained = sum(gain(one, threshold) for one in many)
        result[name] = (normalised(gained, many, profile), threshold)
    return result


def held_out(corpus: list[Series], scores: list[np.ndarray], rounds: int = 50, seed: int = 1) -> np.ndarray:
    """Standard scores of halves of the corpus with the threshold of the other half."""
    profile = PROFILES["standard"]
    many = [steps(series, score, profile) for series, score in zip(corpus, scores)]
    random = np.random.default_rng(seed)
    found = []
    for _ in range(rounds):
        order = random.permutation(len(many))
        halves = [[many[i] for i in half] for half in np.array_split(order, 2)]
        for ours, others in (halves, halves[::-1]):
            threshold = best_threshold(others)
            found.append(normalised(sum(gain(one, threshold) for one in ours), ours, profile))
    return np.array(found)


def leave_file_out(corpus: list[Series], scores: list[np.ndarray]) -> float:
    """Standard score when each file gets the threshold of all other files."""
    profile = PROFILES["standard"]
    many = [steps(series, score, profile) for series, score in zip(corpus, scores)]
    gained = sum(gain(one, best_threshold([m for m in many if m is not one])) for one in many)
    return normalised(gained, many, profile)


def windowed_gaussian(value: np.ndarray, window: int = 6400, step: int = 100) -> np.ndarray:
    """The benchmark's Windowed Gaussian: the share of a normal distribution below the value, with mean and
    deviation of a window that moves on in steps; beyond seven deviations, in tenths, it is 1."""
    scores = np.zeros(len(value))
    first, last, waiting = 0, 1, 0
    mean, deviation = value[0], 1e-6
    for row in range(1, len(value)):
        tenths = round(10.0 * (value[row] - mean) / deviation)
        scores[row] = 1.0 if tenths > 70 else 1.0 - 0.5 * math.erfc(tenths / 10.0 / math.sqrt(2.0))
        if last - first < window:
            last += 1
        else:
            waiting += 1
            if waiting < step:
                continue
            first, last, waiting = first + step, last + step, 0
        mean, deviation = value[first:last].mean(), value[first:last].std() or 1e-6
    return scores


def static_z(series: Series) -> np.ndarray:
    """A fixed threshold: distance from the mean of the learning rows, in their deviations."""
    past = series.value[: series.learning]
    z = np.abs(series.value - past.mean()) / (past.std() or 1e-6)
    return z / (1.0 + z)


def ewma_z(series: Series, memory: float = 100.0) -> np.ndarray:
    """Distance from a forgetting mean in forgetting deviations, before the value is taken in."""
    mean, square, scores = series.value[0], 0.0, np.zeros(len(series.value))
    for row, value in enumerate(series.value):
        difference = value - mean
        z = abs(difference) / (math.sqrt(square) + 1e-9)
        scores[row] = z / (1.0 + z) if row > 10 else 0.0
        mean += difference / memory
        square += (difference * difference - square) / memory
    return scores


def check(corpus: list[Series]) -> tuple[int, int, float]:
    """Compares the Windowed Gaussian's raw scores with the published ones (results/windowedGaussian of the
    benchmark's repository), file by file, at the published threshold of 1. Returns how many files were
    compared, how many agree to 1e-6, and the largest difference. A row that lies exactly where the
    published detector rounds costs one row outside a window, 0.11."""
    with PUBLISHED.open(newline="") as file:
        published = {row["file"]: float(row["score"]) for row in csv.DictReader(file)}
    differences = []
    for series in corpus:
        if series.name in published:
            one = steps(series, windowed_gaussian(series.value), PROFILES["standard"])
            differences.append(abs(gain(one, 1.0) - one.counted - published[series.name]))
    return len(differences), sum(d < 1e-6 for d in differences), max(differences, default=0.0)


if __name__ == "__main__":
    print("files compared %d, equal %d, largest difference %.6f" % check(load(Path(sys.argv[1]))))
