"""Which scenes are made, which of their rows are learned from, and how thresholds are set."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import engine
import fuser
import scenes as make
from data import FIRES, Data, Fire
from scenes import Scene

SEED = 20_221_010
FIRE_INTERVALS = [5.0, 10.0, 30.0, 60.0]
CAUSES = ["steam", "cooking", "dust", "heating"]
# Shares of the loss: fires, real backgrounds, synthetic nuisances.
SHARES = {"fire": 1.0, "background": 4.0, "nuisance": 1.0}
# At most so many rows of each sort are learned from, evenly picked.
ROWS_MAX = {"fire": 20_000, "background": 40_000, "nuisance": 15_000}
EPISODE_GAP_S = 600.0


@dataclass
class Sample:
    """A scene with its features, and what it was made of."""

    scene: Scene
    features: np.ndarray
    fire: str  # the fire burning, or whose quiet sensors gave the noise
    site: str
    part: str  # train, test-fire, test-background, test-nuisance


def build(binary: Path, data: Data) -> list[Sample]:
    """All scenes of training and evaluation, with features from the agent's engine."""
    plan = list(_training(data)) + list(_tests(data))
    rows = engine.features(binary, [scene for scene, *_ in plan])
    return [
        Sample(scene, features, fire, site, part)
        for (scene, fire, site, part), features in zip(plan, rows)
    ]


def _rng(*key: object) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32("/".join(map(str, key)).encode())])


def _co(data: Data, fire: str) -> np.ndarray:
    """Quiet CO cells of this test, or of another one where it has none."""
    noise = data.co_noise[fire]
    return noise if len(noise) > 1 else data.co_noise["SDC05"]


def _places(data: Data) -> list[Fire]:
    """All measuring places. Sensors that a place lacks stay quiet there."""
    return data.fires


def _training(data: Data):
    sensors = list(make.SETS)
    for place in _places(data):
        for number in range(10):
            rng = _rng("train", place.name, number)
            room = data.backgrounds[rng.integers(len(data.backgrounds))]
            scene = make.fire(
                rng,
                place,
                room,
                sensors[number % len(sensors)],
                FIRE_INTERVALS[rng.integers(4)],
                data.smoke_noise[place.fire],
                _co(data, place.fire),
                number,
            )
            yield scene, place.fire, room.site, "train"
    for room in data.backgrounds:
        days = int(np.ceil(room.time[-1] / 86_400))
        for day in range(days):
            # Every day with one set of sensors as recorded, and six hours of it interpolated.
            rng = _rng("background", room.name, day)
            fire = FIRES[day % len(FIRES)]
            noise = data.smoke_noise[fire], _co(data, fire)
            chosen = sensors[(day // len(FIRES) + day) % len(sensors)]
            start = day * 86_400.0
            scene = make.background(rng, room, chosen, None, *noise, start, start + 86_400)
            if len(scene.time) > 100:
                yield scene, fire, room.site, "train"
            start += rng.uniform(0, 64_800)
            interval = [5.0, 10.0, 30.0][day % 3]
            scene = make.background(rng, room, chosen, interval, *noise, start, start + 21_600)
            if len(scene.time) > 100:
                yield scene, fire, room.site, "train"
    for cause in CAUSES:
        for number in range(45):
            rng = _rng("nuisance", cause, number)
            yield (*_nuisance(data, rng, cause, number), "train")


def _tests(data: Data):
    for place in _places(data):
        for room in data.backgrounds:
            if room.name in ("uci-datatest", "uci-datatraining"):
                continue  # one per site is enough for the fires
            for sensors in ["smoke+temperature", "temperature+humidity", "all"]:
                for number in range(2):
                    rng = _rng("test", place.name, room.name, sensors, number)
                    scene = make.fire(
                        rng,
                        place,
                        room,
                        sensors,
                        5.0,
                        data.smoke_noise[place.fire],
                        _co(data, place.fire),
                        1000 + number,
                    )
                    yield scene, place.fire, room.site, "test-fire"
    for room in data.backgrounds:
        for sensors in ["smoke+temperature", "temperature+humidity", "all"]:
            rng = _rng("test-background", room.name, sensors)
            fire = FIRES[zlib.crc32(room.name.encode()) % len(FIRES)]
            noise = data.smoke_noise[fire], _co(data, fire)
            scene = make.background(rng, room, sensors, None, *noise)
            yield scene, fire, room.site, "test-background"
    for cause in CAUSES:
        for number in range(30):
            rng = _rng("test-nuisance", cause, number)
            yield (*_nuisance(data, rng, cause, 1000 + number), "test-nuisance")


def _nuisance(data: Data, rng: np.random.Generator, cause: str, number: int):
    room = data.backgrounds[rng.integers(len(data.backgrounds))]
    fire = FIRES[rng.integers(len(FIRES))]
    sensors = ["smoke+temperature", "all", "temperature+humidity"][number % 3]
    interval = [5.0, 10.0, 30.0][rng.integers(3)]
    noise = data.smoke_noise[fire], _co(data, fire)
    return make.nuisance(rng, cause, room, sensors, interval, *noise, number), fire, room.site


@dataclass
class Fitted:
    """A trained fuser with the levels set on the rows it was trained on."""

    model: fuser.Fuser
    notice: float
    warning: float
    alarm: float
    rows: dict[str, int]


def fit(samples: list[Sample], use_nuisances: bool = True) -> Fitted:
    """Trains on all samples marked `train`; the caller has left out what must not be seen."""
    sorts = ["fire", "background"] + (["nuisance"] if use_nuisances else [])
    features, fire, weight, rows = [], [], [], {}
    for sort in sorts:
        picked, labels = [], []
        for sample in samples:
            if sample.part == "train" and sample.scene.sort == sort:
                x, y = _rows_to_learn(sample)
                picked.append(x)
                labels.append(y)
        x, y = np.concatenate(picked), np.concatenate(labels)
        stride = -(-len(y) // ROWS_MAX[sort])
        x, y = x[::stride], y[::stride]
        features.append(x)
        fire.append(y.astype(float))
        weight.append(np.full(len(y), SHARES[sort] / len(y)))
        rows[sort] = len(y)
    model = fuser.train(
        np.concatenate(features).astype(float), np.concatenate(fire), np.concatenate(weight), SEED
    )
    return Fitted(model, *levels(model, samples), rows)


def _rows_to_learn(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Fires: rows from the onset on. Others: all rows after the first ten minutes of a scene."""
    scene = sample.scene
    if scene.sort == "fire":
        rows = scene.since_start >= scene.onset
        return sample.features[rows], np.ones(rows.sum(), bool)
    rows = scene.time >= scene.time[0] + 600
    if scene.sort == "nuisance":
        rows &= scene.since_start >= -300
    return sample.features[rows], np.zeros(rows.sum(), bool)


def levels(model: fuser.Fuser, samples: list[Sample]) -> tuple[float, float, float]:
    """Scores at which notice, warning and alarm begin, from the fire-free training recordings.

    notice: one start per sensor-day; warning: none of the recordings reaches it; alarm: further
    above by 1.5 in the logit. (Rarer than once in the recordings cannot be measured on them.)
    """
    quiet = [s for s in samples if s.part == "train" and s.scene.sort == "background"]
    logits = [model.logit(s.features.astype(float)) for s in quiet]
    days = sum((s.scene.time[-1] - s.scene.time[0]) / 86_400 for s in quiet)
    top = max(float(l.max()) for l in logits)
    low, high = -20.0, top
    for _ in range(60):
        middle = (low + high) / 2
        starts = sum(len(episodes(s.scene.time, l >= middle)) for s, l in zip(quiet, logits))
        low, high = (middle, high) if starts > days else (low, middle)
    warning = top + 0.25
    notice = min(high, warning - 0.5)
    return tuple(
        round(float(fuser.sigmoid(np.array(l))), 4) for l in (notice, warning, warning + 1.5)
    )


def episodes(time: np.ndarray, holds: np.ndarray) -> list[float]:
    """Start times; what begins within ten minutes of the last is the same episode."""
    starts, last = [], -np.inf
    for t in time[holds]:
        if t - last > EPISODE_GAP_S:
            starts.append(float(t))
        last = t
    return starts
