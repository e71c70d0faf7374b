"""Quiet background: room climate without fire or fault labels; every warning here is taken as a false one.

UCI Occupancy (one office, 1 min) and Brains4Buildings 2022 (two offices, 1 and 10 min). Each sensor is
scored alone, from its first row, learning included. The fixed thresholds get mean and deviation from the first
15 % of a sensor's own rows and are judged on the rest.
"""

import csv
import math
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from common import EvaluationError, reached, score, table

HOURS_PER_MONTH = 365.25 * 24 / 12
# Alarms closer than this are one.
MERGE_S = 3600.0
# The fixed thresholds learn from this part of a sensor's rows.
LEARN_PART = 0.15
UCI = {"Temperature": "temperature", "Humidity": "humidity", "Light": "other", "CO2": "co2"}
B4B = {"co2__ppm": "co2", "rel_humidity__0": "humidity:1", "temp_in__degC": "temperature"}
# A sensor of fewer rows has no past.
ROWS_MIN = 500


@dataclass
class Sensor:
    """One sensor's recording."""

    name: str
    kind: str
    time: np.ndarray
    value: np.ndarray

    @property
    def hours(self) -> float:
        """Observed time: a gap counts as four usual intervals."""
        gaps = np.diff(self.time)
        return float(np.minimum(gaps, 4 * np.median(gaps)).sum() / 3600)


def load_uci(folder: Path) -> list[Sensor]:
    """UCI Occupancy, three files of four sensors."""
    found = []
    for path in sorted(folder.glob("data*.txt")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        time = np.array([datetime.fromisoformat(row["Date"] if "Date" in row else row["date"]).timestamp() for row in rows])
        for column, kind in UCI.items():
            found.append(Sensor(f"{path.stem} {column}", kind, time, np.array([float(row[column]) for row in rows])))
    return found


def load_b4b(folder: Path) -> list[Sensor]:
    """Brains4Buildings, raw measurements of two offices."""
    import pandas

    found = []
    for path in sorted(folder.glob("*_raw_measurements.parquet")):
        frame = pandas.read_parquet(path).reset_index()
        for (source, column), part in frame.groupby(["source", "property"], observed=True):
            if column not in B4B or len(part) < ROWS_MIN:
                continue
            part = part.sort_values("timestamp")
            time = part["timestamp"].dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[s]").astype("int64")
            found.append(Sensor(f"{path.stem[:6]} {source} {column}", B4B[column], time.to_numpy(float), part["value"].to_numpy(float)))
    return found


def starts(time: np.ndarray, beyond: np.ndarray) -> int:
    """Alarms: rows beyond a threshold, those closer than an hour being one."""
    at = time[beyond]
    return 0 if len(at) == 0 else 1 + int((np.diff(at) > MERGE_S).sum())


def crossings(sensor: Sensor, sigmas: float) -> int:
    """How often a fixed threshold is crossed: its alarms when nothing merges them."""
    learn = int(LEARN_PART * len(sensor.value))
    mean, deviation = sensor.value[:learn].mean(), max(sensor.value[:learn].std(), 1e-9)
    beyond = np.abs(sensor.value[learn:] - mean) > sigmas * deviation
    return int(beyond[:1].sum() + (beyond[1:] & ~beyond[:-1]).sum())


def fixed(sensor: Sensor, sigmas: float) -> int:
    """Alarms of a fixed threshold."""
    learn = int(LEARN_PART * len(sensor.value))
    mean, deviation = sensor.value[:learn].mean(), max(sensor.value[:learn].std(), 1e-9)
    return starts(sensor.time[learn:], np.abs(sensor.value[learn:] - mean) > sigmas * deviation)


def ewma(sensor: Sensor, sigmas: float, memory: float = 100.0) -> int:
    """Alarms of a forgetting mean and deviation."""
    mean, square = sensor.value[0], 0.0
    beyond = np.zeros(len(sensor.value), bool)
    learn = int(LEARN_PART * len(sensor.value))
    for row, value in enumerate(sensor.value):
        difference = value - mean
        beyond[row] = row >= learn and abs(difference) > sigmas * (math.sqrt(square) + 1e-9)
        mean += difference / memory
        square += (difference * difference - square) / memory
    return starts(sensor.time, beyond)


def levels(sensor: Sensor, command: list[str], folder: Path) -> list[int]:
    """Notices, warnings and alarms of the engine."""
    path = folder / "sensor.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "value"])
        writer.writerows([f"{time:.0f}", repr(float(value))] for time, value in zip(sensor.time, sensor.value))
    scored = score(command, path, "time", [f"value={sensor.kind}"])
    return [starts(sensor.time, scored.level >= level) for level in (1, 2, 3)]


def poisson_interval(count: int) -> tuple[float, float]:
    """95 % interval of the expectation of a count (Garwood 1936), by bisection."""

    def below(mean: float, most: int) -> float:
        return sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(most + 1)) if mean > 0 else 1.0

    def solve(holds) -> float:
        low, high = 0.0, 10.0 * (count + 5)
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low

    low = 0.0 if count == 0 else solve(lambda mean: 1 - below(mean, count - 1) < 0.025)
    return (low, solve(lambda mean: below(mean, count) > 0.025))


def evaluate(data: Path, command: list[str]) -> None:
    """Prints the tables."""
    sensors: list[Sensor] = []
    for name, load in (("uci_occupancy", load_uci), ("brains4buildings", load_b4b)):
        if (data / name).is_dir():
            sensors += load(data / name)
        else:
            print(f"\n{name} is not in {data}: left out of the quiet background")
    if not sensors:
        raise EvaluationError(f"no sensor in {data}")
    hours = sum(sensor.hours for sensor in sensors)
    months = hours / HOURS_PER_MONTH
    print(f"\n## Quiet background: {len(sensors)} sensors, {hours:.0f} sensor-hours ({months:.1f} sensor-months)")
    rows = []
    totals = np.zeros(7, int)
    with tempfile.TemporaryDirectory() as folder:
        for sensor in sensors:
            ours = levels(sensor, command, Path(folder))
            plain = [crossings(sensor, 3.0), fixed(sensor, 3.0), fixed(sensor, 5.0), ewma(sensor, 5.0)]
            totals += np.array([*ours, *plain])
            rows.append([sensor.name, f"{sensor.hours:.0f}", *map(str, ours), *map(str, plain)])
    rows.append(["all", f"{hours:.0f}", *map(str, totals)])
    table(
        "Alarms (closer than an hour are one)",
        ["sensor", "hours", "notices", "warnings", "alarms", "3 sigma, every crossing", "fixed 3 sigma", "fixed 5 sigma", "EWMA 5 sigma"],
        rows,
    )
    nominal = [hours / 24, hours / (7 * 24), hours / (365.25 * 24 / 4)]
    table(
        "Realised against budget, one a day, a week, a quarter",
        ["level", "realised", "budget", "realised / budget (95 %)"],
        [
            [name, str(count), f"{budget:.1f}", f"{count / budget:.2f} ({poisson_interval(int(count))[0] / budget:.2f} to {poisson_interval(int(count))[1] / budget:.2f})"]
            for name, count, budget in zip(("notice", "warning", "alarm"), totals[:3], nominal)
        ],
    )
    warnings, every, three = int(totals[1]), int(totals[3]), int(totals[4])
    rate = warnings / months
    low, high = poisson_interval(warnings)

    def fewer(of: int) -> float:
        return 100 * (1 - warnings / of) if of else math.nan

    table(
        "Quiet background against its targets",
        ["test", "measured", "target", ""],
        [
            ["warnings per sensor-month", f"{rate:.2f} ({low / months:.2f} to {high / months:.2f})", "<= 4", reached(rate <= 4)],
            ["fewer than 3 sigma, its crossings merged within an hour", f"{fewer(three):.0f} % ({warnings} against {three})", ">= 90 %", reached(fewer(three) >= 90)],
            ["fewer than 3 sigma, every crossing", f"{fewer(every):.0f} % ({warnings} against {every})", ">= 90 %", reached(fewer(every) >= 90)],
        ],
    )
