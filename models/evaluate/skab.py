"""SKAB: a water circuit with eight channels at 1 Hz, one labelled anomaly per recording.

The data is under the GPL and is read where the user keeps it. A threshold is chosen for the best F1 on the
other types of experiment (leave type out) and on all other recordings (leave recording out). Rows before
the first 400 s are the site's own calibration; they count as never found, as for every baseline.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import bootstrap, clopper_pearson, reached, score, table

CALIBRATION_ROWS = 400
# An alarm in the event view: so many of the last so many rows beyond the threshold.
PERSISTENCE = (3, 5)
# Alarms closer than this are one start.
MERGE_ROWS = 10
RECORDINGS = 34
PUBLISHED = [
    ["published: Conv-AE", "0.78", "13.6", "28.0"],
    ["published: MSET", "0.78", "39.7", "14.1"],
    ["published: T2+Q (PCA)", "0.76", "26.6", "24.9"],
    ["published: LSTM-AE", "0.74", "30.0", "25.9"],
    ["published: isolation forest", "0.29", "2.6", "82.9"],
]


@dataclass
class Recording:
    """One experiment."""

    name: str
    kind: str
    path: Path
    channels: list[str]
    values: np.ndarray
    label: np.ndarray

    @property
    def onset(self) -> int:
        """First labelled row."""
        return int(np.argmax(self.label))

    @property
    def end(self) -> int:
        """First row after the labelled ones."""
        after = np.flatnonzero(~self.label[self.onset :])
        return self.onset + int(after[0]) if len(after) else len(self.label)


def load(folder: Path) -> list[Recording]:
    """All labelled recordings that are there."""
    found = []
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(newline="") as file:
            reader = csv.DictReader(file, delimiter=";")
            rows = list(reader)
        if "anomaly" not in (reader.fieldnames or []):
            continue
        channels = [name for name in reader.fieldnames if name not in ("datetime", "anomaly", "changepoint")]
        found.append(
            Recording(
                f"{path.parent.name}/{path.name}",
                path.parent.name,
                path,
                channels,
                np.array([[float(row[name]) for name in channels] for row in rows]),
                np.array([float(row["anomaly"]) > 0.5 for row in rows]),
            )
        )
    return found


def z_of_calibration(recording: Recording) -> np.ndarray:
    """Distance of each value from the first 400 s, in their deviations."""
    past = recording.values[:CALIBRATION_ROWS]
    return np.abs(recording.values - past.mean(axis=0)) / np.maximum(past.std(axis=0), 1e-9)


def fixed_threshold(recording: Recording) -> np.ndarray:
    """The largest z of the channels, row by row."""
    return z_of_calibration(recording).max(axis=1)


def ewma(recording: Recording, rows: float = 10.0) -> np.ndarray:
    """The root mean square of the channels' z, averaged over ten rows."""
    together = np.sqrt((z_of_calibration(recording) ** 2).mean(axis=1))
    smooth, state = np.empty(len(together)), together[0]
    for row, value in enumerate(together):
        state += (value - state) / rows
        smooth[row] = state
    return smooth


def best_threshold(recordings: list[Recording], scores: list[np.ndarray]) -> float:
    """The threshold with the best F1 on these recordings."""
    score_of = np.concatenate([np.nan_to_num(one, nan=-1.0) for one in scores])
    label = np.concatenate([recording.label for recording in recordings])
    order = np.argsort(-score_of, kind="stable")
    found = np.cumsum(label[order])
    f1 = 2 * found / (label.sum() + np.arange(1, len(label) + 1))
    last = np.append(score_of[order][1:] < score_of[order][:-1], True)
    best = np.flatnonzero(last)[np.argmax(f1[last])]
    following = score_of[order][min(best + 1, len(order) - 1)]
    return float((score_of[order][best] + following) / 2)


@dataclass
class Counts:
    """Rows and events at a threshold."""

    found: int = 0
    false: int = 0
    missed: int = 0
    quiet: int = 0
    false_after: int = 0
    quiet_after: int = 0
    starts: int = 0
    raw_starts: int = 0
    events: int = 0
    events_found: int = 0
    delays: tuple[int, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*[a + b for a, b in zip(vars(self).values(), vars(other).values())])

    @property
    def f1(self) -> float:
        """Of rows."""
        return 2 * self.found / max(2 * self.found + self.false + self.missed, 1)

    @property
    def far(self) -> float:
        """False rows of quiet rows, %."""
        return 100 * self.false / max(self.false + self.quiet, 1)

    @property
    def far_after(self) -> float:
        """The same without the first 400 s."""
        return 100 * self.false_after / max(self.false_after + self.quiet_after, 1)

    @property
    def mar(self) -> float:
        """Missed rows of anomalous rows, %."""
        return 100 * self.missed / max(self.found + self.missed, 1)


def starts(beyond: np.ndarray) -> int:
    """Runs of rows beyond the threshold; runs closer than MERGE_ROWS are one."""
    rows = np.flatnonzero(beyond)
    return 0 if len(rows) == 0 else 1 + int((np.diff(rows) > MERGE_ROWS).sum())


def count(recording: Recording, scores: np.ndarray, threshold: float) -> Counts:
    """Rows and events of one recording."""
    beyond = np.nan_to_num(scores, nan=-1.0) >= threshold
    label = recording.label
    hits, of = PERSISTENCE
    window = np.convolve(beyond, np.ones(of), "full")[: len(beyond)]
    alarm = window >= hits
    onset, end = recording.onset, recording.end
    first = np.flatnonzero(alarm[onset:end])
    after = np.arange(len(label)) >= CALIBRATION_ROWS
    return Counts(
        found=int((beyond & label).sum()),
        false=int((beyond & ~label).sum()),
        missed=int((~beyond & label).sum()),
        quiet=int((~beyond & ~label).sum()),
        false_after=int((beyond & ~label & after).sum()),
        quiet_after=int((~beyond & ~label & after).sum()),
        starts=starts(alarm[CALIBRATION_ROWS:onset]),
        raw_starts=starts(beyond[CALIBRATION_ROWS:onset]),
        events=1,
        events_found=int(len(first) > 0),
        delays=(int(first[0]),) if len(first) else (),
    )


def cross(recordings: list[Recording], scores: list[np.ndarray], group: list[str]) -> list[Counts]:
    """Each group with the threshold of all other groups."""
    thresholds = {}
    for name in set(group):
        others = [i for i, other in enumerate(group) if other != name]
        thresholds[name] = best_threshold([recordings[i] for i in others], [scores[i] for i in others])
    return [count(r, s, thresholds[g]) for r, s, g in zip(recordings, scores, group)]


def total(counts: list[Counts]) -> Counts:
    """The sum."""
    result = Counts()
    for one in counts:
        result += one
    return result


def evaluate(folder: Path, command: list[str]) -> None:
    """Prints the tables."""
    recordings = load(folder)
    kinds = [recording.kind for recording in recordings]
    names = [recording.name for recording in recordings]
    hours = sum(max(r.onset - CALIBRATION_ROWS, 0) for r in recordings) / 3600
    print(
        f"\n## SKAB: {len(recordings)} of {RECORDINGS} recordings ("
        + ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        + f"); {hours:.1f} h of quiet between calibration and onset"
    )
    if len(set(kinds)) < 2:
        print("Only one type of experiment is here: leave type out cannot be done; recordings are left out instead.")
        kinds = names
    detectors = {
        "fixed threshold (largest z)": [fixed_threshold(r) for r in recordings],
        "EWMA z (L2 over channels)": [ewma(r) for r in recordings],
        "this engine": [
            score(command, r.path, "datetime", [f"{name}=other" for name in r.channels]).score for r in recordings
        ],
    }
    for title, group in (("leave type out", kinds), ("leave recording out", names)):
        rows = []
        for name, scores in detectors.items():
            counts = cross(recordings, scores, group)
            all_rows = total(counts)
            low, high = bootstrap(len(counts), lambda indices: total([counts[i] for i in indices]).f1)
            rows.append(
                [name, f"{all_rows.f1:.3f} ({low:.2f} to {high:.2f})", f"{all_rows.far:.1f}", f"{all_rows.mar:.1f}", f"{all_rows.far_after:.1f}"]
            )
        rows += [[*row, ""] for row in PUBLISHED]
        table(f"SKAB rows, {title}", ["detector", "F1 (95 %, recordings resampled)", "FAR %", "MAR %", "FAR % after the first 400 s"], rows)
    rows = []
    for name, scores in detectors.items():
        events = total(cross(recordings, scores, kinds))
        low, high = clopper_pearson(events.events_found, events.events)
        delay = np.median(events.delays) if events.delays else float("nan")
        rows.append(
            [name, str(events.starts), str(events.raw_starts), f"{events.events_found} of {events.events} ({100 * low:.0f} to {100 * high:.0f} %)", f"{delay:.0f} s"]
        )
    table(
        f"SKAB events, leave type out; an alarm is {PERSISTENCE[0]} of {PERSISTENCE[1]} rows",
        ["detector", "false starts before onset", "without persistence", "events found (95 %)", "median delay"],
        rows,
    )
    ours = total(cross(recordings, detectors["this engine"], kinds))
    share = ours.events_found / ours.events
    allowed = 8 * ours.events / RECORDINGS
    table(
        "SKAB against its targets",
        ["test", "measured", "target", ""],
        [
            ["F1, leave type out", f"{ours.f1:.3f}", ">= 0.80", reached(ours.f1 >= 0.80)],
            ["FAR, all rows", f"{ours.far:.1f} %", "<= 24 %", reached(ours.far <= 24)],
            ["FAR, after the first 400 s", f"{ours.far_after:.1f} %", "<= 24 %", reached(ours.far_after <= 24)],
            ["false starts", str(ours.starts), f"<= 8 of 34 recordings: {allowed:.1f} here", reached(ours.starts <= allowed)],
            ["events found", f"{ours.events_found} of {ours.events}", ">= 31 of 34", reached(share >= 31 / 34)],
        ],
    )
