"""Which scenes are made, which of their rows are learned from, and how thresholds are set."""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import engine
import fuser
import scenes as make
from data import FILES, FIRES, Data
from engine import Bins
from scenes import Scene

SEED = 20_221_010
FIRE_INTERVALS = [2.0, 5.0, 10.0, 30.0, 60.0]
FIRES_PER_PLACE = 8
NUISANCES_PER_CAUSE = 36
FAULTS_PER_CAUSE = 12
CAUSES = ["steam", "cooking", "dust", "heating"]
FAULTS = ["flat", "step", "range"]
# Shares of the loss: fires, real backgrounds, synthetic nuisances, synthetic faults.
SHARES = {"fire": 1.0, "background": 4.0, "nuisance": 1.0, "fault": 0.5}
# At most so many rows of each sort are learned from, evenly picked.
ROWS_MAX = {"fire": 10_000, "background": 16_000, "nuisance": 9_000, "fault": 3_000}
# Sensors that a room is given while learning; every scene is seen with each that fits it.
TRAINED_SETS = [
    "smoke+temperature",
    "smoke",
    "temperature+humidity",
    "temperature+humidity+co2",
    "all",
    "pm25+all",
    "pm25+temperature",
    "humidity",
    "co2",
]
EPISODE_GAP_S = 600.0
# Warning lies so far above everything on the fire-free training recordings, alarm further; notice, below
# which nothing ever counts, is at most so far below warning. In logits.
WARNING_MARGIN = 1.0
ALARM_MARGIN = 1.5
NOTICE_MARGIN = 1.5


@dataclass
class Sample:
    """A scene with its features, and what it was made of."""

    scene: Scene
    features: np.ndarray
    fire: str  # the fire burning, or whose quiet sensors gave the noise
    site: str
    part: str  # train, test-fire, test-nuisance; a background as recorded is in both: `train`

    def rows(self, sensors: str) -> np.ndarray:
        """The feature rows of a room with these sensors."""
        return make.masked(self.features, sensors)


def config_hash() -> str:
    """Everything that decides about weights and thresholds: these programs and the data."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for name in ["data.py", "dataset.py", "engine.py", "fuser.py", "rules.py", "scenes.py"]:
        digest.update((here / name).read_bytes())
    for path, sha256 in sorted(FILES.items()):
        digest.update(f"{path} {sha256}\n".encode())
    return digest.hexdigest()


def build(bins: Bins, data: Data) -> list[Sample]:
    """All scenes of training and evaluation, with features from the agent's engine."""
    plan = list(_training(data)) + list(_tests(data))
    rows = engine.features(bins, [scene for scene, *_ in plan])
    return [
        Sample(scene, features, fire, site, part)
        for (scene, fire, site, part), features in zip(plan, rows)
    ]


def _rng(*key: object) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32("/".join(map(str, key)).encode())])


def _noise(data: Data, fire: str) -> tuple[np.ndarray, np.ndarray]:
    """Quiet smoke meters and CO cells of this test; CO of another one where it has none."""
    co = data.co_noise[fire]
    return data.smoke_noise[fire], co if len(co) > 1 else data.co_noise["SDC05"]


def _training(data: Data):
    for place in data.fires:
        for number in range(FIRES_PER_PLACE):
            rng = _rng("train", place.name, number)
            room = data.backgrounds[rng.integers(len(data.backgrounds))]
            interval = FIRE_INTERVALS[rng.integers(len(FIRE_INTERVALS))]
            # One in four knows as little before as the NIST tests do: nothing.
            warm_up_s = 0.0 if number % 4 == 3 else make.WARM_UP_S
            noise = _noise(data, place.fire)
            dust = number % 3 == 2
            scene = make.fire(rng, place, room, interval, noise, dust, warm_up_s, number)
            yield scene, place.fire, room.site, "train"
    for room in data.backgrounds:
        fire = FIRES[zlib.crc32(room.name.encode()) % len(FIRES)]
        for dust in [False, True]:
            rng = _rng("background", room.name, dust)
            scene = make.background(rng, room, None, _noise(data, fire), dust)
            yield scene, fire, room.site, "train"
        for day in range(0, int(room.time[-1] / 86_400), 3):
            rng = _rng("background", room.name, day)
            fire = FIRES[day % len(FIRES)]
            start = day * 86_400.0 + rng.uniform(0, 64_800)
            interval = [5.0, 10.0, 30.0][day // 3 % 3]
            noise = _noise(data, fire)
            scene = make.background(rng, room, interval, noise, day % 2 == 1, start, start + 21_600)
            if len(scene.time) > 100:
                yield scene, fire, room.site, "train"
    for cause in CAUSES:
        for number in range(NUISANCES_PER_CAUSE):
            rng = _rng("nuisance", cause, number)
            yield (*_nuisance(data, rng, cause, number), "train")
    for cause in FAULTS:
        for number in range(FAULTS_PER_CAUSE):
            rng = _rng("fault", cause, number)
            room = data.backgrounds[rng.integers(len(data.backgrounds))]
            fire = FIRES[rng.integers(len(FIRES))]
            interval = [30.0, 60.0, 60.0][number % 3]
            scene = make.broken(rng, cause, room, interval, _noise(data, fire), number)
            yield scene, fire, room.site, "train"


def _tests(data: Data):
    for place in data.fires:
        for room in data.backgrounds:
            if room.name in ("uci-datatest", "uci-datatraining"):
                continue  # one per site is enough for the fires
            for dust in [False, True]:
                rng = _rng("test", place.name, room.name, dust)
                noise = _noise(data, place.fire)
                scene = make.fire(rng, place, room, 5.0, noise, dust, make.WARM_UP_S, 1000)
                yield scene, place.fire, room.site, "test-fire"
    for recorded in data.meters:
        yield make.meter(recorded), recorded.fire, "nist", "test-meter"
    for cause in CAUSES:
        for number in range(30):
            rng = _rng("test-nuisance", cause, number)
            yield (*_nuisance(data, rng, cause, 1000 + number), "test-nuisance")


def _nuisance(data: Data, rng: np.random.Generator, cause: str, number: int):
    room = data.backgrounds[rng.integers(len(data.backgrounds))]
    fire = FIRES[rng.integers(len(FIRES))]
    interval = [5.0, 10.0, 30.0][rng.integers(3)]
    dust = number % 4 == 3
    scene = make.nuisance(rng, cause, room, interval, _noise(data, fire), dust, number)
    return scene, fire, room.site


@dataclass
class Fitted:
    """A trained fuser with the levels set on the rows it was trained on."""

    model: fuser.Fuser
    notice: float
    warning: float
    alarm: float
    rows: dict[str, int]

    @property
    def prior(self) -> tuple[float, float, float, float]:
        """What the agent's calibration starts from; nothing below a notice ever counts."""
        return self.notice, self.warning, self.alarm, self.notice


def fit(samples: list[Sample], use_nuisances: bool = True) -> Fitted:
    """Trains on all samples marked `train`; the caller has left out what must not be seen."""
    sorts = ["fire", "background", "fault"] + (["nuisance"] if use_nuisances else [])
    features, truth, weight, rows = [], [], [], {}
    for sort in sorts:
        picked = [_rows_to_learn(s) for s in samples if s.part == "train" and s.scene.sort == sort]
        x = np.concatenate([x for x, _ in picked])
        y = np.concatenate([y for _, y in picked])
        stride = -(-len(y) // ROWS_MAX[sort])
        x, y = x[::stride], y[::stride]
        features.append(x)
        truth.append(y)
        weight.append(np.full(len(y), SHARES[sort] / len(y)))
        rows[sort] = len(y)
    model = fuser.train(
        np.concatenate(features).astype(float), np.concatenate(truth), np.concatenate(weight), SEED
    )
    return Fitted(model, *thresholds(model, samples), rows)


def _rows_to_learn(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Rows and classes, for each set of sensors that fits; thinned evenly, or they would not fit."""
    scene = sample.scene
    xs, ys = [], []
    fitting = [sensors for sensors in TRAINED_SETS if scene.fits(sensors)]
    stride = {"fire": 1, "background": 23, "nuisance": 5, "fault": 7}[scene.sort]
    for index, sensors in enumerate(fitting):
        picked = np.zeros(len(scene.time), bool)
        picked[index % stride :: stride] = True
        picked &= scene.truth != make.UNUSED
        if scene.sort == "fire":
            picked &= scene.since_start >= scene.onset[sensors]
        x, y = make.masked(sample.features[picked], sensors), scene.truth[picked]
        if scene.sort == "fault":
            flags = x.reshape(len(x), -1, fuser.PER_GROUP)[:, : fuser.CONTEXT, fuser.FAULT]
            # Before the engine can know, and in rooms without the broken sensor, nothing is learned.
            known = flags.max(axis=1) >= 0.5
            x, y = x[known], y[known]
        xs.append(x)
        ys.append(y)
    return np.concatenate(xs), np.concatenate(ys).astype(int)


LEVEL_SETS = ["smoke+temperature", "temperature+humidity", "temperature+humidity+co2", "all",
              "pm25+all"]


def thresholds(model: fuser.Fuser, samples: list[Sample]) -> tuple[float, float, float]:
    """Scores at which notice, warning and alarm begin, from the fire-free training recordings.

    All of what three of five rows reach. notice: at most one start per room-day, and not far below
    warning; warning: none of the recordings reaches it; alarm: further above. (Rarer than once in the
    recordings cannot be measured on them.)
    """
    levels = thresholds_of(
        samples, lambda sample, sensors: model.fire_logit(sample.rows(sensors).astype(float))
    )
    return tuple(round(float(fuser.sigmoid(np.array(level))), 5) for level in levels)


def thresholds_of(samples: list[Sample], measure) -> tuple[float, float, float]:
    """The same for anything that `measure(sample, sensors)` gives, row by row."""
    quiet = [s for s in samples if s.part == "train" and s.scene.sort == "background"]
    runs = [
        (s.scene.time, persisted(measure(s, sensors)))
        for s in quiet
        for sensors in LEVEL_SETS
        if s.scene.fits(sensors)
    ]
    days = sum((time[-1] - time[0]) / 86_400 for time, _ in runs)
    top = max(float(values.max()) for _, values in runs)
    # From the top down: far below everything the recordings would be one long episode each.
    high = top
    while high > top - 20 and starts_at(runs, high - 0.1) <= days:
        high -= 0.1
    warning = top + WARNING_MARGIN
    notice = min(max(high, warning - NOTICE_MARGIN), warning - WARNING_MARGIN / 2)
    return notice, warning, warning + ALARM_MARGIN


def persisted(values: np.ndarray) -> np.ndarray:
    """What three of the last five rows reached, as the agent's calibration takes it."""
    before = np.concatenate([np.full(4, -np.inf), values])
    windows = np.lib.stride_tricks.sliding_window_view(before, 5)
    return np.maximum(np.partition(windows, 2, axis=1)[:, 2], -1e9)


def starts_at(runs: list[tuple[np.ndarray, np.ndarray]], level: float) -> int:
    """Starts of all runs at a level."""
    return sum(len(episodes(time, logit >= level)) for time, logit in runs)


def episodes(time: np.ndarray, holds: np.ndarray) -> list[float]:
    """Start times; what begins within ten minutes of the last is the same episode."""
    marked = time[holds]
    if not len(marked):
        return []
    return marked[np.diff(marked, prepend=-np.inf) > EPISODE_GAP_S].tolist()
