"""Leave-one-fire-out and leave-one-site-out at once: what is tested was not learned from.

For every pair of a fire and a site a fuser is trained without both, its levels are set without
both, and it is tested on that fire on that site's background, and on that site's fire-free
recordings. `statistics` is the same engine without the model: the largest `level_z` of smoke, CO
and temperature against a threshold set in the same way as the model's warning.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import comb

import numpy as np

import dataset
import rules
from data import FIRES, Data
from dataset import Sample

SENSORS = ["smoke+temperature", "temperature+humidity", "all"]
METHODS = ["rules", "statistics", "notice", "warning", "alarm", "rules + warning"]
LEVEL_Z = [0, 8, 24]  # smoke, carbon_monoxide, temperature


@dataclass
class Folds:
    """All results of the folds."""

    # (sensors, method) -> fire place -> seconds from ignition to detection, one per scene
    detected: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    # (sensors, method) -> starts in the two quiet hours before the fires
    early: dict = field(default_factory=lambda: defaultdict(int))
    # (site, sensors, method) -> starts, one per fold
    quiet: dict = field(default_factory=lambda: defaultdict(list))
    days: dict = field(default_factory=dict)
    # (cause, method) -> [alarmed, scenes]
    nuisance: dict = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    nuisance_untrained: dict = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    warm_up_days: float = 0.0


def cross_validate(data: Data, samples: list[Sample]) -> Folds:
    """Trains and tests every pair of a fire and a site."""
    folds = Folds()
    for site in data.sites:
        for fire in FIRES:
            seen = [s for s in samples if s.part == "train" and s.fire != fire and s.site != site]
            test = [s for s in samples if s.part != "train" and s.site == site]
            fitted = dataset.fit(seen)
            _fires(folds, fitted, seen, [s for s in test if s.fire == fire])
            _quiet(folds, fitted, seen, [s for s in test if s.part == "test-background"])
            hard = [s for s in test if s.part == "test-nuisance"]
            _nuisances(folds.nuisance, fitted, seen, hard)
            plain = dataset.fit(seen, use_nuisances=False)
            _nuisances(folds.nuisance_untrained, plain, seen, hard)
            print(f"fold {fire} {site}: levels {fitted.notice} {fitted.warning}", flush=True)
    return folds


def statistic(sample: Sample) -> np.ndarray:
    return sample.features[:, LEVEL_Z].max(axis=1)


def _holds(fitted: dataset.Fitted, limit: float, sample: Sample) -> dict[str, np.ndarray]:
    score = fitted.model.score(sample.features.astype(float))
    fixed = rules.alarms(sample.scene)
    return {
        "rules": fixed,
        "statistics": statistic(sample) >= limit,
        "notice": score >= fitted.notice,
        "warning": score >= fitted.warning,
        "alarm": score >= fitted.alarm,
        "rules + warning": fixed | (score >= fitted.warning),
    }


def _limit(seen: list[Sample]) -> float:
    """The statistic's highest value on the fire-free training recordings."""
    return max(float(statistic(s).max()) for s in seen if s.scene.sort == "background") + 0.05


def _fires(folds: Folds, fitted, seen, tests) -> None:
    limit = _limit(seen)
    for sample in tests:
        if sample.part != "test-fire":
            continue
        scene = sample.scene
        place = scene.name.split("/")[1]
        learning = scene.time < scene.time[0] + 600
        for method, holds in _holds(fitted, limit, sample).items():
            burning = scene.since_start[holds & (scene.since_start >= 0)]
            first = float(burning[0]) if len(burning) else np.inf
            folds.detected[scene.sensors, method][place].append(first)
            before = holds & (scene.since_start < 0) & ~learning
            folds.early[scene.sensors, method] += len(dataset.episodes(scene.time, before))
        folds.warm_up_days += 6600 / 86_400


def _quiet(folds: Folds, fitted, seen, tests) -> None:
    limit = _limit(seen)
    starts = defaultdict(int)
    days = defaultdict(float)
    for sample in tests:
        scene = sample.scene
        days[scene.sensors] += (scene.time[-1] - scene.time[0]) / 86_400
        for method, holds in _holds(fitted, limit, sample).items():
            starts[scene.sensors, method] += len(dataset.episodes(scene.time, holds))
    site = tests[0].site
    for (sensors, method), count in starts.items():
        folds.quiet[site, sensors, method].append(count)
        folds.days[site, sensors] = days[sensors]


def _nuisances(table, fitted, seen, tests) -> None:
    limit = _limit(seen)
    for sample in tests:
        cause = sample.scene.name.split("/")[1]
        during = sample.scene.since_start >= 0
        for method, holds in _holds(fitted, limit, sample).items():
            table[cause, method][0] += bool((holds & during).any())
            table[cause, method][1] += 1


# What is made of the results.


def per_place(folds: Folds, sensors: str, method: str) -> dict[str, float]:
    """Median seconds from ignition to detection, per measuring place; inf when most miss."""
    return {
        place: float(np.sort(times)[(len(times) - 1) // 2])
        for place, times in sorted(folds.detected[sensors, method].items())
    }


def leads(folds: Folds, sensors: str, method: str, fire: str | None = None) -> np.ndarray:
    """Seconds earlier than the rules, per place where the rules detect too."""
    fixed, other = per_place(folds, sensors, "rules"), per_place(folds, sensors, method)
    return np.array(
        [
            fixed[place] - other[place]
            for place in fixed
            if np.isfinite(fixed[place])
            and np.isfinite(other[place])
            and (fire is None or place.startswith(fire))
        ]
    )


def lead_interval(folds: Folds, sensors: str, method: str) -> tuple[float, float]:
    """95 % interval of the median lead; the five fires are drawn anew, not their places."""
    rng = np.random.default_rng(7)
    by_fire = [leads(folds, sensors, method, fire) for fire in FIRES]
    medians = [
        np.median(np.concatenate([by_fire[i] for i in rng.integers(0, len(FIRES), len(FIRES))]))
        for _ in range(2000)
    ]
    return float(np.percentile(medians, 2.5)), float(np.percentile(medians, 97.5))


def clopper_pearson(hits: int, of: int) -> tuple[float, float]:
    """Exact 95 % interval of a share."""

    def at_least(p: float, k: int) -> float:
        return sum(comb(of, i) * p**i * (1 - p) ** (of - i) for i in range(k, of + 1))

    def solve(k: int, target: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if at_least(middle, k) < target else (low, middle)
        return low

    lower = 0.0 if hits == 0 else solve(hits, 0.025)
    upper = 1.0 if hits == of else solve(hits + 1, 0.975)
    return lower, upper


def rate_upper(starts: float, days: float) -> float:
    """95 % upper bound of starts per day; exact for 0 starts (3 / days), close above."""
    low, high = 0.0, 1000.0
    for _ in range(80):
        middle = (low + high) / 2
        mean, term, total = middle * days, 1.0, 0.0
        for k in range(int(np.ceil(starts)) + 1):
            term = term * mean / k if k else np.exp(-mean)
            total += term
        low, high = (middle, high) if total > 0.05 else (low, middle)
    return high
