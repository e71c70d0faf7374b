"""Leave-one-fire-out and leave-one-site-out at once: what is tested was not learned from.

For every pair of a fire and a site a fuser is trained without both, its thresholds are set without both,
and it is tested on that fire (its smoke meters alone as recorded, and laid on that site's background),
on that site's fire-free recordings and on SYNTHETIC nuisances there. Levels come from the agent's own
calibration (three of five samples, hysteresis, episodes, a sensor's own past after three days).

Beside the model stand, on the same rows:

* `fixed`: optical density 0.14 1/m (27.6 %/m);
* `rules`: the fixed thresholds of `rules.py`;
* `3 sigma`: mean and standard deviation of the series' first day (of a NIST test: its first 20 s), for
  each channel alone; any channel beyond three;
* `EWMA z`: the engine's 10 s average beyond 8 scales of its 970 s average, any channel;
* `statistics`: the same engine, calibration and way to set thresholds without the model: the largest
  `level_z` of smoke, dust, CO and temperature (of a room without them: of what it has).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from math import comb

import numpy as np

import dataset
import engine
import fuser
import rules
from data import FIRES, Data
from dataset import Fitted, Sample
from engine import Bins

FIXED_OD = 0.14
FIRE_SETS = ["smoke+temperature", "temperature+humidity", "all", "pm25+all"]
SINGLE_SETS = ["temperature", "humidity", "co2"]  # real, as recorded
ROOM_SETS = ["temperature+humidity", "temperature+humidity+co2"]  # real, as recorded
MIXED_SETS = ["smoke", "smoke+temperature", "all", "pm25+all"]  # smoke, CO RESAMPLED, dust SYNTHETIC
QUIET_SETS = SINGLE_SETS + ROOM_SETS + MIXED_SETS
METHODS = ["fixed", "rules", "3 sigma", "EWMA z", "statistics", "notice", "warning", "alarm"]
SIGMAS = 3.0
SIGMA_FLOOR = 1e-9
EWMA_SCALES = 8.0
LEVEL_Z, FAST_Z = 0, 1
SPEAKING = ["smoke", "pm25", "carbon_monoxide", "temperature"]


_PER_NAME = partial(defaultdict, list)
_NONE_OF_NONE = partial(list, [0, 0])


@dataclass
class Folds:
    """All results of the folds."""

    # method -> meter -> seconds from ignition to detection, one per fold
    meters: dict = field(default_factory=partial(defaultdict, _PER_NAME))
    # (sensors, method) -> fire place -> seconds from ignition to detection, one per fold
    detected: dict = field(default_factory=partial(defaultdict, _PER_NAME))
    # (sensors, method) -> starts in the two quiet hours before the fires
    early: dict = field(default_factory=partial(defaultdict, int))
    # (site, sensors, method) -> starts, one per fold
    quiet: dict = field(default_factory=partial(defaultdict, list))
    days: dict = field(default_factory=dict)  # (site, sensors)
    # (cause, method) -> [alarmed, scenes]
    nuisance: dict = field(default_factory=partial(defaultdict, _NONE_OF_NONE))
    nuisance_untrained: dict = field(default_factory=partial(defaultdict, _NONE_OF_NONE))
    # class told -> rows, for SYNTHETIC faults whose flag is up
    faults: dict = field(default_factory=partial(defaultdict, int))
    thresholds: list = field(default_factory=list)


def cross_validate(bins: Bins, data: Data, samples: list[Sample]) -> Folds:
    """Trains and tests every pair of a fire and a site."""
    folds = Folds()
    for number, site in enumerate(data.sites):
        for fire in FIRES:
            seen = [s for s in samples if s.part == "train" and s.fire != fire and s.site != site]
            fitted = dataset.fit(seen)
            judge = Judge(bins, fitted, statistic_prior(seen))
            folds.thresholds.append((fitted.notice, fitted.warning, fitted.alarm))
            _meters(folds, judge, [s for s in samples if s.part == "test-meter" and s.fire == fire])
            here = [s for s in samples if s.site == site]
            _fires(folds, judge, [s for s in here if s.part == "test-fire" and s.fire == fire])
            _quiet(folds, judge, [s for s in here if is_recording(s)])
            hard = [s for s in here if s.part == "test-nuisance"]
            _nuisances(folds.nuisance, judge, hard)
            _faults(folds, fitted, [s for s in here if s.scene.sort == "fault"])
            if fire == FIRES[number]:
                plain = dataset.fit(seen, use_nuisances=False)
                _nuisances(folds.nuisance_untrained, Judge(bins, plain, judge.statistic), hard)
            print(f"fold {fire} {site}: {folds.thresholds[-1]}", flush=True)
    return folds


def is_recording(sample: Sample) -> bool:
    """A fire-free recording in full and as recorded."""
    return sample.scene.sort == "background" and "/native/" in sample.scene.name


def statistic(sample: Sample, sensors: str) -> np.ndarray:
    """The ablation without the model: the largest level_z in scales, of what speaks for fire."""
    kinds = dataset.make.SETS[sensors]
    speaking = [k for k in kinds if k in SPEAKING] or kinds
    return np.maximum(_scales(sample, speaking, LEVEL_Z).max(axis=1), 0.0)


def _scales(sample: Sample, kinds: list[str], feature: int) -> np.ndarray:
    """A feature of some channels, in scales: what squashing did is undone."""
    columns = [dataset.make.GROUPS.index(k) * fuser.PER_GROUP + feature for k in kinds]
    squashed = sample.features[:, columns].astype(float)
    return squashed / np.maximum(1 - np.abs(squashed) / 8, 1e-3)


def as_evidence(scales: np.ndarray) -> np.ndarray:
    return 1 - np.exp(-np.minimum(scales, 30.0))


def statistic_prior(seen: list[Sample]) -> tuple[float, float, float, float]:
    """Thresholds of the statistic, set as the model's are."""
    notice, warning, alarm = dataset.thresholds_of(seen, statistic)
    levels = as_evidence(np.array([notice, warning, alarm]))
    return (*map(float, levels), float(levels[0]))


class Judge:
    """All methods with their thresholds."""

    def __init__(self, bins: Bins, fitted: Fitted, prior: tuple[float, float, float, float]):
        self.bins, self.fitted, self.statistic = bins, fitted, prior

    def holds(self, tests: list[tuple[Sample, str]]) -> list[dict[str, np.ndarray]]:
        """Row by row whether each method holds, for each sample with some sensors."""
        model = [(s.scene.time, self.fitted.model.score(s.rows(k).astype(float))) for s, k in tests]
        plain = [(s.scene.time, as_evidence(statistic(s, k))) for s, k in tests]
        by_model = engine.levels(self.bins, self.fitted.prior, model)
        by_statistic = engine.levels(self.bins, self.statistic, plain)
        return [
            {
                "fixed": fixed(sample, sensors),
                "rules": rules.alarms(sample.scene, dataset.make.SETS[sensors]),
                "3 sigma": three_sigma(sample, sensors),
                "EWMA z": ewma_z(sample, sensors),
                "statistics": statistic_level >= 2,
                "notice": level >= 1,
                "warning": level >= 2,
                "alarm": level >= 3,
            }
            for (sample, sensors), level, statistic_level in zip(tests, by_model, by_statistic)
        ]


def fixed(sample: Sample, sensors: str) -> np.ndarray:
    if "smoke" not in dataset.make.SETS[sensors]:
        return np.zeros(len(sample.scene.time), bool)
    return sample.scene.values["smoke"] >= FIXED_OD


def three_sigma(sample: Sample, sensors: str) -> np.ndarray:
    """Static: mean and deviation from the first day, or of a NIST test from its first 20 s."""
    scene = sample.scene
    first = 20.0 if scene.sort == "meter" else 86_400.0
    if scene.sort in ("fire", "nuisance"):
        first = scene.time[scene.since_start < 0][-1] - scene.time[0] if scene.since_start[0] < 0 else 20.0
    known = scene.time <= scene.time[0] + first
    holds = np.zeros(len(scene.time), bool)
    for kind in dataset.make.SETS[sensors]:
        values = scene.values[kind]
        deviation = max(float(np.std(values[known])), SIGMA_FLOOR)
        holds |= np.abs(values - np.mean(values[known])) > SIGMAS * deviation
    return holds & ~known


def ewma_z(sample: Sample, sensors: str) -> np.ndarray:
    return np.abs(_scales(sample, dataset.make.SETS[sensors], FAST_Z)).max(axis=1) >= EWMA_SCALES


def _meters(folds: Folds, judge: Judge, tests: list[Sample]) -> None:
    for sample, methods in zip(tests, judge.holds([(s, "smoke") for s in tests])):
        name = sample.scene.name.split("/")[1]
        for method, holds in methods.items():
            times = sample.scene.time[holds]
            folds.meters[method][name].append(float(times[0]) if len(times) else np.inf)


def _fires(folds: Folds, judge: Judge, tests: list[Sample]) -> None:
    plan = [(s, sensors) for s in tests for sensors in FIRE_SETS if s.scene.fits(sensors)]
    plan = [(s, k) for s, k in plan if s.scene.dust == ("pm25" in k)]
    for (sample, sensors), methods in zip(plan, judge.holds(plan)):
        scene = sample.scene
        place = scene.name.split("/")[1]
        learning = scene.time < scene.time[0] + 600
        for method, holds in methods.items():
            burning = scene.since_start[holds & (scene.since_start >= 0)]
            first = float(burning[0]) if len(burning) else np.inf
            folds.detected[sensors, method][place].append(first)
            before = holds & (scene.since_start < 0) & ~learning
            folds.early[sensors, method] += len(dataset.episodes(scene.time, before))


def _quiet(folds: Folds, judge: Judge, tests: list[Sample]) -> None:
    plan = [(s, k) for s in tests for k in QUIET_SETS if s.scene.dust == ("pm25" in k)]
    starts, days = defaultdict(int), defaultdict(float)
    for (sample, sensors), methods in zip(plan, judge.holds(plan)):
        scene = sample.scene
        days[sensors] += (scene.time[-1] - scene.time[0]) / 86_400
        for method, holds in methods.items():
            starts[sensors, method] += len(dataset.episodes(scene.time, holds))
    for (sensors, method), count in starts.items():
        folds.quiet[tests[0].site, sensors, method].append(count)
        folds.days[tests[0].site, sensors] = days[sensors]


def _nuisances(table, judge: Judge, tests: list[Sample]) -> None:
    plan = [(s, "pm25+all" if s.scene.dust else "all") for s in tests]
    for (sample, _), methods in zip(plan, judge.holds(plan)):
        cause = sample.scene.name.split("/")[1]
        during = sample.scene.since_start >= 0
        for method, holds in methods.items():
            table[cause, method][0] += bool((holds & during).any())
            table[cause, method][1] += 1


def _faults(folds: Folds, fitted: Fitted, tests: list[Sample]) -> None:
    for sample in tests:
        rows = sample.rows("all").astype(float)
        flags = rows.reshape(len(rows), -1, fuser.PER_GROUP)[:, : fuser.CONTEXT, fuser.FAULT]
        up = (flags.max(axis=1) >= 0.5) & (sample.scene.since_start >= 0)
        for told in fitted.model.prob(rows[up]).argmax(axis=1):
            folds.faults[fuser.CLASSES[told]] += 1


# What is made of the results.


def middle(times: list[float]) -> float:
    return float(np.sort(times)[(len(times) - 1) // 2])


def per_meter(folds: Folds, method: str) -> dict[str, float]:
    """Seconds from ignition to detection, per smoke meter: the middle fold; inf when missed."""
    return {name: middle(times) for name, times in sorted(folds.meters[method].items())}


def per_place(folds: Folds, sensors: str, method: str) -> dict[str, float]:
    """The same for a fire laid on a background."""
    found = folds.detected[sensors, method]
    return {place: middle(times) for place, times in sorted(found.items())}


def leads(reference: dict[str, float], other: dict[str, float], fire: str = "") -> np.ndarray:
    """Seconds earlier than the reference, wherever both detect."""
    return np.array(
        [
            reference[name] - other[name]
            for name in reference
            if np.isfinite(reference[name]) and np.isfinite(other[name]) and name.startswith(fire)
        ]
    )


def lead_interval(reference: dict[str, float], other: dict[str, float]) -> tuple[float, float]:
    """95 % interval of the median lead; the five fires are drawn anew, not their places."""
    rng = np.random.default_rng(7)
    by_fire = [leads(reference, other, fire) for fire in FIRES]
    medians = [
        np.median(np.concatenate([by_fire[i] for i in rng.integers(0, len(FIRES), len(FIRES))]))
        for _ in range(2000)
    ]
    return float(np.percentile(medians, 2.5)), float(np.percentile(medians, 97.5))


def quiet_rate(folds: Folds, sensors: str, method: str) -> tuple[float, float]:
    """Starts (mean of a site's folds, summed over sites) and days."""
    starts = days = 0.0
    for (site, of, name), counts in folds.quiet.items():
        if (of, name) == (sensors, method):
            starts += float(np.mean(counts))
            days += folds.days[site, of]
    return starts, days


def missed(times: dict[str, float]) -> int:
    return sum(not np.isfinite(t) for t in times.values())


def verdict(folds: Folds) -> tuple[bool, str]:
    """Whether the model is shipped enabled, and why. Against statistics alone it must be no worse in any
    of four numbers and better in at least one: meters missed, seconds earlier in the median, false
    warnings in rooms with smoke meters (RESAMPLED), false warnings in real ones."""
    model, plain, reference = (per_meter(folds, m) for m in ("warning", "statistics", "fixed"))
    lead, other = np.median(leads(reference, model)), np.median(leads(reference, plain))
    mixed = [sum(quiet_rate(folds, k, m)[0] for k in MIXED_SETS) for m in ("warning", "statistics")]
    real = [
        sum(quiet_rate(folds, k, m)[0] for k in SINGLE_SETS + ROOM_SETS)
        for m in ("warning", "statistics")
    ]
    better = [
        missed(plain) - missed(model),
        float(lead - other),
        mixed[1] - mixed[0],
        real[1] - real[0],
    ]
    enabled = min(better) >= -1e-9 and max(better) > 1e-9
    words = (
        f"missed {missed(model)} against {missed(plain)} of {len(model)} meters; {lead:.0f} s against "
        f"{other:.0f} s earlier than the fixed threshold; {mixed[0]:.1f} against {mixed[1]:.1f} false "
        f"warnings with smoke meters (RESAMPLED), {real[0]:.1f} against {real[1]:.1f} in real rooms"
    )
    return bool(enabled), words


def clopper_pearson(hits: int, of: int) -> tuple[float, float]:
    """Exact 95 % interval of a share."""

    def at_least(p: float, k: int) -> float:
        return sum(comb(of, i) * p**i * (1 - p) ** (of - i) for i in range(k, of + 1))

    def solve(k: int, target: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            half = (low + high) / 2
            low, high = (half, high) if at_least(half, k) < target else (low, half)
        return low

    lower = 0.0 if hits == 0 else solve(hits, 0.025)
    upper = 1.0 if hits == of else solve(hits + 1, 0.975)
    return lower, upper


def rate_upper(starts: float, days: float) -> float:
    """95 % upper bound of starts per day of a Poisson process, after Wilson and Hilferty (1931): within
    1 % of the exact bound, 3 / days, for no start at all."""
    count = np.ceil(starts) + 1
    return float(count * (1 - 1 / (9 * count) + 1.6449 / (3 * np.sqrt(count))) ** 3 / days)
