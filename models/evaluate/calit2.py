"""Evaluation on CalIt2: people in and out of a building's main door, half-hourly, with labelled events.

Called by evaluate.py as `run(data_dir, score_bin)`; stands alone too:

    calit2.py --data DIR --score-bin PATH

Protocol
- The first three weeks are warm-up: nothing in them is counted, for us and for every baseline.
- Alarms at most 2 h apart are one episode, and an episode is at most 6 h long (a threshold that is always
  exceeded is four false alarms a day, not one).
- A labelled event is found when there is an alarm from half an hour before it to half an hour after it. An
  episode that touches no labelled event is false. The labels are incomplete (CalIt2.names says so), so some
  of the "false" ones are not.
- `swept`: the lowest threshold at which the whole evaluated part stays within the budget of false alarms,
  as published figures have it. `own past`: the threshold that keeps the budget in weeks two and three, which
  is used unchanged after them.
- Night visits are SYNTHETIC: n persons enter in one half-hour between 00:30 and 04:30 of a night and leave
  up to 90 min later, added to the real counts on a third of the evaluated nights. Labelled events and the
  real visitors of nights stay where they are; the latter count as false alarms.
"""

import argparse
import csv
import hashlib
import io
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, inf
from pathlib import Path

import numpy as np

from common import clopper_pearson

FILES = {
    "calit2/CalIt2.data": "04db4cbdd742737b6508cc4b1bf826aa65e3a554db44a1d8745aebd2aa9a1a07",
    "calit2/CalIt2.events": "ee4c2d47516f09f31d081c454aaec4ec578276d3b281bc2857638b69824d1022",
}
SLOT = timedelta(minutes=30)
WEEK = 336
WARM_UP = 3 * WEEK
OUT_FLOW, IN_FLOW = 7, 9
MERGE, EPISODE_MAX, MARGIN = 4, 12, 1
NIGHT_SEEDS = range(4)
NIGHT_SHARE = 3
EVENT_BUDGETS = [1, 2, 3]
NIGHT_BUDGETS = [1, 3]
PERSONS = [2, 4, 8]


class DataError(Exception):
    """A file is missing or another one."""


@dataclass
class Counts:
    """Half-hourly counts and the events in them, as half-hours since the start."""

    times: list[datetime]
    entered: np.ndarray
    left: np.ndarray
    events: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def tested(self) -> list[tuple[int, int]]:
        return [event for event in self.events if event[0] >= WARM_UP]

    @property
    def weeks(self) -> float:
        return (len(self) - WARM_UP) / WEEK


def load(root: Path) -> Counts:
    """Checks the files' hashes and reads them."""
    problems = []
    for path, expected in FILES.items():
        file = root / path
        if not file.is_file():
            problems.append(f"{file}: missing")
        elif (found := hashlib.sha256(file.read_bytes()).hexdigest()) != expected:
            problems.append(f"{file}: sha256 is {found}, expected {expected}")
    if problems:
        raise DataError("; ".join(problems))
    flows: dict[int, dict[datetime, int]] = {OUT_FLOW: {}, IN_FLOW: {}}
    for flow, day, clock, count in csv.reader((root / "calit2/CalIt2.data").open()):
        flows[int(flow)][datetime.strptime(f"{day} {clock}", "%m/%d/%y %H:%M:%S")] = int(count)
    times = sorted(flows[IN_FLOW])
    assert all(b - a == SLOT for a, b in zip(times, times[1:])), "CalIt2 has no gaps"
    events = []
    for day, begin, end, *_ in csv.reader((root / "calit2/CalIt2.events").open()):
        begin, end = (datetime.strptime(f"{day} {t}", "%m/%d/%y %H:%M:%S") for t in (begin, end))
        events.append(((begin - times[0]) // SLOT, ceil((end - times[0]) / SLOT)))
    of = lambda flow: np.array([flows[flow][time] for time in times], float)
    return Counts(times, of(IN_FLOW), of(OUT_FLOW), sorted(events))


# Scores.


def score_by(score_bin: list[str], counts: Counts, entered, left) -> tuple[np.ndarray, list[str]]:
    """Scores and levels of the shipped runner, through its CSV interface."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "door.csv"
        lines = ["time,in,out"]
        lines += [f"{t:%Y-%m-%d %H:%M:%S},{i:.0f},{o:.0f}" for t, i, o in zip(counts.times, entered, left)]
        file.write_text("\n".join(lines) + "\n")
        columns = ["--time", "time", "--channel", "in=other", "--channel", "out=other"]
        ran = subprocess.run([*score_bin, *columns, str(file)], stdout=subprocess.PIPE, check=True)
    rows = list(csv.DictReader(io.StringIO(ran.stdout.decode())))
    if len(rows) != len(counts):
        raise RuntimeError(f"{len(rows)} scores for {len(counts)} rows")
    scores = np.array([float(row["score"]) if row["score"] else 0.0 for row in rows])
    return scores, [row["level"] for row in rows]


def fixed(entered, left) -> np.ndarray:
    """Baseline: the count itself."""
    return np.maximum(entered, left)


def rolling_z(entered, left, window: int = WEEK) -> np.ndarray:
    """Baseline: deviation from the last week's mean in its standard deviations."""

    def z(x):
        out = np.zeros(len(x))
        for i in range(48, len(x)):
            past = x[max(0, i - window) : i]
            out[i] = (x[i] - past.mean()) / max(past.std(), 0.5)
        return out

    return np.maximum(z(entered), z(left))


def ewma_z(entered, left, part: float = 1 / 48) -> np.ndarray:
    """Baseline: deviation from an average that forgets over a day, in its standard deviations."""

    def z(x):
        mean, square, out = x[0], 1.0, np.zeros(len(x))
        for i, value in enumerate(x):
            out[i] = (value - mean) / max(square**0.5, 0.5)
            square += part * ((value - mean) ** 2 - square)
            mean += part * (value - mean)
        return out

    return np.maximum(z(entered), z(left))


# Counting.


def episodes(alarms: np.ndarray) -> list[tuple[int, int]]:
    """Runs of alarms, by the protocol above: first and last half-hour."""
    runs: list[list[int]] = []
    for i in np.flatnonzero(alarms):
        if runs and i - runs[-1][1] <= MERGE and i - runs[-1][0] < EPISODE_MAX:
            runs[-1][1] = int(i)
        else:
            runs.append([int(i), int(i)])
    return [(a, b) for a, b in runs]


def outcome(alarms: np.ndarray, wanted, ignored=()) -> tuple[int, int]:
    """How many of `wanted` are found, and how many episodes touch neither `wanted` nor `ignored`."""
    found = sum(bool(alarms[max(0, a - MARGIN) : b + MARGIN].any()) for a, b in wanted)
    known = [*wanted, *ignored]
    false = sum(
        not any(last >= a - MARGIN and first <= b + MARGIN for a, b in known)
        for first, last in episodes(alarms)
    )
    return found, false


def swept(score: np.ndarray, counts: Counts, wanted, per_week: float, ignored=()) -> tuple[int, int, float]:
    """Found, false, threshold: the lowest threshold within the budget."""
    best = (0, 0, inf)
    tested = score.copy()
    tested[:WARM_UP] = -inf
    for threshold in np.unique(score[WARM_UP:])[::-1]:
        found, false = outcome(tested >= threshold, wanted, ignored)
        if false <= per_week * counts.weeks:
            best = max(best, (found, false, float(threshold)), key=lambda b: b[0])
        elif false > 4 * per_week * counts.weeks:
            break
    return best


def own_past(score: np.ndarray, counts: Counts, wanted, per_week: float, ignored=()) -> tuple[int, int, float]:
    """Found, false, threshold: the threshold is set on weeks two and three and then used unchanged."""
    before = [event for event in counts.events if WEEK <= event[0] < WARM_UP]
    past = score[:WARM_UP].copy()
    past[:WEEK] = -inf
    threshold = inf
    for candidate in np.unique(past[WEEK:])[::-1]:
        if outcome(past >= candidate, before)[1] > per_week * 2:
            break
        threshold = float(candidate)
    tested = score.copy()
    tested[:WARM_UP] = -inf
    return (*outcome(tested >= threshold, wanted, ignored), threshold)


def night_visits(counts: Counts, persons: int, seed: int):
    """SYNTHETIC: the counts with visits, and when the visits are."""
    rng = np.random.default_rng(1000 * persons + seed)
    nights = np.arange(WARM_UP // 48, len(counts) // 48)
    entered, left, visits = counts.entered.copy(), counts.left.copy(), []
    for night in np.sort(rng.choice(nights, len(nights) // NIGHT_SHARE, replace=False)):
        begin = int(night) * 48 + int(rng.integers(1, 10))
        end = begin + int(rng.integers(1, 4))
        entered[begin] += persons
        left[end] += persons
        visits.append((begin, end + 1))
    return entered, left, visits


def share(hits: int, of: int) -> str:
    low, high = clopper_pearson(hits, of)
    return f"{hits} of {of} ({100 * low:.0f}–{100 * high:.0f} %)"


# Tables.


def tables(counts: Counts, methods: dict) -> list[str]:
    """Markdown lines; `methods` maps names to functions of (entered, left) to scores."""
    real = {name: method(counts.entered, counts.left) for name, method in methods.items()}
    lines = [
        f"Labelled events of CalIt2 ({len(counts.tested)} after three weeks of warm-up; "
        f"{counts.weeks:.1f} weeks are evaluated; 95 % intervals by Clopper and Pearson)",
        "",
        "| method | " + " | ".join(f"swept, ≤ {b} false/week" for b in EVENT_BUDGETS)
        + " | own past, aimed at 2/week: found | false/week |",
        "|---|" + "---|" * (len(EVENT_BUDGETS) + 2),
    ]
    for name, score in real.items():
        cells = [share(swept(score, counts, counts.tested, b)[0], len(counts.tested)) for b in EVENT_BUDGETS]
        found, false, _ = own_past(score, counts, counts.tested, 2)
        cells += [share(found, len(counts.tested)), f"{false / counts.weeks:.1f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Night visits, SYNTHETIC, added to the real counts; recall, swept over four draws of nights",
        "",
        "| method | " + " | ".join(f"{p} persons, ≤ {b} false/week" for p in PERSONS for b in NIGHT_BUDGETS)
        + " | 4 persons, own past aimed at 1/week | false/week |",
        "|---|" + "---|" * (len(PERSONS) * len(NIGHT_BUDGETS) + 2),
    ]
    for name, method in methods.items():
        lines.append(f"| {name} | " + " | ".join(_nights(counts, method)) + " |")
    return lines


def _nights(counts: Counts, method) -> list[str]:
    cells, held = [], ""
    for persons in PERSONS:
        hits, of, past_hits, past_false = dict.fromkeys(NIGHT_BUDGETS, 0), 0, 0, 0
        for seed in NIGHT_SEEDS:
            entered, left, visits = night_visits(counts, persons, seed)
            score = method(entered, left)
            for budget in NIGHT_BUDGETS:
                hits[budget] += swept(score, counts, visits, budget, counts.events)[0]
            found, false, _ = own_past(score, counts, visits, 1, counts.events)
            past_hits, past_false, of = past_hits + found, past_false + false, of + len(visits)
        for budget in NIGHT_BUDGETS:
            low, high = clopper_pearson(hits[budget], of)
            cells.append(f"{hits[budget] / of:.2f} ({low:.2f}–{high:.2f})")
        if persons == 4:
            held = [f"{past_hits / of:.2f}", f"{past_false / counts.weeks / len(NIGHT_SEEDS):.1f}"]
    return cells + held


def run(data_dir, score_bin) -> list[str]:
    """The evaluation as Markdown lines. `score_bin` is the runner's command, a path or a list."""
    counts = load(Path(data_dir))
    command = [str(score_bin)] if isinstance(score_bin, (str, Path)) else [str(part) for part in score_bin]
    ours = lambda entered, left: score_by(command, counts, entered, left)[0]
    lines = tables(
        counts,
        {
            "fixed threshold on the count": fixed,
            "rolling z, one week": rolling_z,
            "EWMA z, one day": ewma_z,
            "gridwatch, score": ours,
        },
    )
    _, levels = score_by(command, counts, counts.entered, counts.left)
    lines += ["", "Levels as shipped (own calibration, no threshold chosen here), labelled events:", ""]
    lines += ["| level or higher | found | false/week |", "|---|---|---|"]
    order = ["none", "notice", "warning", "alarm"]
    for level in order[1:]:
        alarms = np.array([order.index(name) >= order.index(level) for name in levels])
        alarms[:WARM_UP] = False
        found, false = outcome(alarms, counts.tested)
        lines.append(f"| {level} | {share(found, len(counts.tested))} | {false / counts.weeks:.1f} |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--score-bin", nargs="+", required=True, help="the runner's command")
    args = parser.parse_args()
    try:
        print("\n".join(run(args.data, args.score_bin)))
    except DataError as error:
        print(f"calit2: {error}", file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
