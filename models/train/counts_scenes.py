"""What count-fuser is trained on: real counts, their labelled events, and SYNTHETIC additions to them.

Real: both flows of CalIt2 (half-hourly, labelled), and the comings and goings at two rooms of Brains4Buildings,
derived from the camera's people count (every rise is so many coming, every fall so many going).
SYNTHETIC, added to real counts and called so everywhere: visits at night, crowds by day, counters that fall
silent on a workday.

Every scene goes through the agent's own engine (`count_features`); features are never computed here. A
*bag* is the half-hours of one event: one of them must stand out, not all.
"""

import csv
import hashlib
import io
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "evaluate"))
import calit2

FILES = {
    **calit2.FILES,
    "brains4buildings/917810_raw_properties.parquet": "c511d1ea392dc0694dd02d1b175ad7fffb7cb81c188fb28b2d1f98f3100115e1",
    "brains4buildings/999169_raw_properties.parquet": "fd86b529d62bc50aa94aa84b15a50baa8c7e2305d0743b1697f131906b3f4dd5",
}
LICENCES = {"calit2": "CC BY 4.0", "brains4buildings": "CC BY 4.0"}
WEEK = 336
# CalIt2 is trained on weeks two and three; everything after them is only tested on.
CALIT2_FROM, CALIT2_TO = WEEK, 3 * WEEK
# Brains4Buildings has nine and a half days; six are warm-up.
ROOMS = ["917810", "999169"]
ROOM_FROM = 6 * 48
DRAWS = 12
SEED = 20_260


@dataclass
class Stream:
    """Real counts of one stream and the half-hours that train."""

    site: str
    name: str
    times: list[datetime]
    counts: np.ndarray
    train: tuple[int, int]
    events: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Bag:
    """Rows of one event; at least one of them is unusual."""

    site: str
    sort: str  # "event" is real, everything else SYNTHETIC
    rows: np.ndarray


@dataclass
class Scenes:
    """What is learned from."""

    quiet: np.ndarray  # real rows outside of events
    bags: list[Bag]


class DataError(Exception):
    """A file is missing or is not the one that the model was trained on."""


def load(root: Path) -> list[Stream]:
    """Checks the hashes of all files and reads the real streams."""
    problems = []
    for path, expected in FILES.items():
        file = root / path
        if not file.is_file():
            problems.append(f"{file}: missing")
        elif (found := hashlib.sha256(file.read_bytes()).hexdigest()) != expected:
            problems.append(f"{file}: sha256 is {found}, expected {expected}")
    if problems:
        raise DataError(
            "the training data is not as documented in models/README.md:\n  " + "\n  ".join(problems)
        )
    door = calit2.load(root)
    streams = [
        Stream("calit2", f"calit2-{flow}", door.times, counts, (CALIT2_FROM, CALIT2_TO), door.events)
        for flow, counts in [("in", door.entered), ("out", door.left)]
    ]
    for room in ROOMS:
        times, coming, going = _comings_and_goings(root, room)
        for flow, counts in [("in", coming), ("out", going)]:
            streams.append(
                Stream(f"b4b-{room}", f"b4b-{room}-{flow}", times, counts, (ROOM_FROM, len(times)))
            )
    return streams


def _comings_and_goings(root: Path, room: str):
    table = pd.read_parquet(root / f"brains4buildings/{room}_raw_properties.parquet").reset_index()
    table = table[table["source"] == "xovis"].sort_values("timestamp")
    # Local time of the place, as it stands; the night of the change to winter time has an hour twice.
    local = table["timestamp"].dt.tz_localize(None)
    people = table["occupancy__p"].to_numpy(float)
    change = np.diff(people, prepend=people[0])
    start = local.min().floor("30min").to_pydatetime()
    slots = ((local - start) // pd.Timedelta("30min")).to_numpy(int)
    times = [start + i * timedelta(minutes=30) for i in range(int(slots.max()) + 1)]
    coming, going = np.zeros(len(times)), np.zeros(len(times))
    np.add.at(coming, slots, np.maximum(change, 0))
    np.add.at(going, slots, np.maximum(-change, 0))
    return times, coming, going


def features(binary: Path, runs: list[tuple[str, list[datetime], np.ndarray]]) -> list[np.ndarray]:
    """Rows of the agent's engine, [half-hours, 16] for each run."""
    lines = ["recording,time,count"]
    for name, times, counts in runs:
        lines += [f"{name},{t.isoformat()},{c:.0f}" for t, c in zip(times, counts)]
    ran = subprocess.run(
        [str(binary)], input=("\n".join(lines) + "\n").encode(), stdout=subprocess.PIPE, check=True
    )
    rows = csv.reader(io.StringIO(ran.stdout.decode()))
    next(rows)
    table = np.array([[float(v) for v in row[2:18]] for row in rows], np.float32)
    cuts = np.cumsum([len(times) for _, times, _ in runs])[:-1]
    return np.split(table, cuts)


def build(binary: Path, streams: list[Stream]) -> Scenes:
    """The quiet rows and all bags, in a fixed order."""
    rng = np.random.default_rng(SEED)
    runs = [(stream.name, stream.times, stream.counts) for stream in streams]
    plans = []
    for stream in streams:
        for draw in range(DRAWS):
            counts, marks = _added(stream, rng)
            plans.append((stream, marks))
            runs.append((f"{stream.name}-{draw}", stream.times, counts))
    tables = features(binary, runs)
    quiet, bags = [], []
    for stream, table in zip(streams, tables):
        inside = np.zeros(len(table), bool)
        inside[stream.train[0] : stream.train[1]] = True
        for first, last in stream.events:
            if stream.train[0] <= first < stream.train[1]:
                bags.append(Bag(stream.site, "event", table[first - 1 : last + 1]))
            inside[max(0, first - 2) : last + 2] = False
        quiet.append(table[inside])
    for (stream, marks), table in zip(plans, tables[len(streams) :]):
        bags += [Bag(stream.site, sort, table[first:last]) for sort, first, last in marks]
    return Scenes(np.concatenate(quiet), bags)


def _added(stream: Stream, rng: np.random.Generator):
    """SYNTHETIC: one night visit, one crowd or one silence on every third day; counts and marks."""
    counts, marks = stream.counts.copy(), []
    busy = np.quantile(stream.counts[: stream.train[1]], 0.9)
    taken = [range(first - 4, last + 4) for first, last in stream.events]
    first_day, last_day = ceil(stream.train[0] / 48), stream.train[1] // 48
    for day in range(first_day + int(rng.integers(3)), last_day, 3):
        sort = ["night visit", "crowd", "silence"][int(rng.integers(3))]
        if sort == "night visit":
            begin = day * 48 + int(rng.integers(1, 10))
            length, added = 1, int(rng.integers(3, 11))
        elif sort == "crowd":
            begin = day * 48 + int(rng.integers(16, 40))
            length, added = int(rng.integers(1, 5)), max(6.0, busy * rng.uniform(1.0, 2.5))
        else:
            begin = day * 48 + int(rng.integers(20, 28))
            length, added = int(rng.integers(4, 9)), 0.0
        if any(begin in event or begin + length in event for event in taken):
            continue
        end = min(begin + length, len(counts))
        if sort == "silence":
            if stream.times[begin].weekday() >= 5 or counts[begin:end].sum() < 20:
                continue
            counts[begin:end] = 0
        else:
            counts[begin:end] += np.round(added)
        marks.append((sort, begin, min(end + 1, len(counts))))
    return counts, marks
