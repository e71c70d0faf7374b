"""Makes recordings to learn from and to be tested on.

Every table of the card keeps these sorts apart:

* background: a real fire-free recording. Its temperature, humidity and CO2 are as recorded. No public
  fire-free recording of a smoke meter or CO cell exists here, so their quiet signal is RESAMPLED from
  the first 20 s of the NIST tests; fine dust is SYNTHETIC.
* fire: a real NIST fire. Its smoke, temperature rise, CO rise and CO2 rise are put onto a real
  background at a random time; humidity stays the background's. Fine dust is CONVERTED from its smoke.
* nuisance: SYNTHETIC steam, cooking, dust and heating on a real background.
* fault: SYNTHETIC: a real background whose sensor stands still, jumps, or reads what cannot be.

A scene holds all channels; which sensors a room has is a mask on its feature rows (`masked`): the
engine keeps channels apart, so a row without a channel is the row with that channel's group at 0.
"""

from dataclasses import dataclass, field

import numpy as np

from data import Background, Fire, Meter

COLUMNS = [
    "smoke:1/m",
    "pm25:µg/m³",
    "carbon_monoxide:ppm",
    "temperature:°C",
    "humidity:%",
    "co2:ppm",
    "camera_fire",
]
SETS = {
    "smoke+temperature": ["smoke", "temperature"],
    "smoke": ["smoke"],
    "temperature+humidity": ["temperature", "humidity"],
    "temperature+humidity+co2": ["temperature", "humidity", "co2"],
    "all": ["smoke", "carbon_monoxide", "temperature", "humidity", "co2"],
    "pm25+all": ["pm25", "carbon_monoxide", "temperature", "humidity", "co2"],
    "pm25+temperature": ["pm25", "temperature"],
    "temperature": ["temperature"],
    "humidity": ["humidity"],
    "co2": ["co2"],
}
GROUPS = ["smoke", "pm25", "carbon_monoxide", "voc", "temperature", "humidity", "co2", "context"]
WARM_UP_S = 2 * 3600.0
EPOCH_S = 1_600_000_000.0
# Mass extinction of smoke of flaming fires, m²/g (Mulholland and Croarkin, Fire and Materials 24, 2000);
# optical density is to base 10.
UG_PER_OD = np.log(10) / 8.7 * 1e6
# What a common optical dust sensor reads at most.
DUST_MAX = 1000.0
# Rows of a scene: what they are, or not to be learned from.
NORMAL, FIRE, NUISANCE, FAULT, UNUSED = 0, 1, 2, 3, -1


@dataclass
class Scene:
    """A recording with its truth. `values` are by kind, in the units of COLUMNS; NaN is no reading."""

    name: str
    sort: str  # background, fire, nuisance, fault
    time: np.ndarray  # s
    values: dict[str, np.ndarray]
    since_start: np.ndarray  # s since ignition or start of the nuisance; negative before
    truth: np.ndarray
    dust: bool = False  # pm25 instead of smoke
    onset: dict[str, float] = field(default_factory=dict)  # s since ignition, by set of sensors

    def csv(self) -> str:
        """Rows of the CSV that the feature engine reads; an absent channel is empty."""
        left_out = "smoke" if self.dust else "pm25"
        columns = [[self.name] * len(self.time), [f"{t:.3f}" for t in self.time + EPOCH_S]]
        for column in COLUMNS:
            kind = column.split(":")[0]
            if kind in self.values and kind != left_out:
                columns.append(["" if v != v else f"{v:.6g}" for v in self.values[kind].tolist()])
            else:
                columns.append([""] * len(self.time))
        return "".join(",".join(cells) + "\n" for cells in zip(*columns))

    def fits(self, sensors: str) -> bool:
        """Whether the scene has these sensors: smoke and fine dust are never both there."""
        kinds = SETS[sensors]
        return not ({"smoke", "pm25"} & set(kinds)) or ("pm25" in kinds) == self.dust


def masked(rows: np.ndarray, sensors: str) -> np.ndarray:
    """The rows as the engine gives them for a room with these sensors only."""
    kinds = SETS[sensors]
    by_group = rows.reshape(len(rows), len(GROUPS), rows.shape[1] // len(GROUPS)).copy()
    for index, group in enumerate(GROUPS[:-1]):
        if group not in kinds:
            by_group[:, index] = 0
    context = by_group[:, -1]
    smoke = "smoke" in kinds or "pm25" in kinds
    needs = [
        "temperature" in kinds and "humidity" in kinds,
        smoke and "carbon_monoxide" in kinds,
        smoke and "voc" in kinds,
        smoke and "carbon_monoxide" in kinds,
        smoke and "temperature" in kinds,
    ]
    context[:, : len(needs)] *= np.array(needs)
    return by_group.reshape(rows.shape)


def quiet(rng: np.random.Generator, noise: np.ndarray, count: int) -> np.ndarray:
    """A quiet signal, RESAMPLED from what a sensor really showed while nothing happened."""
    return rng.choice(noise, count)


def quiet_dust(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """SYNTHETIC fine dust of a room without a source: some µg/m³ that wander over hours, and noise."""
    hours = np.arange(time[0] - 3600, time[-1] + 7200, 1800.0)
    wander = np.cumsum(rng.normal(0, 0.12, len(hours)))
    wander = np.interp(time, hours, wander - np.linspace(0, wander[-1], len(hours)))
    return np.round(rng.uniform(4, 15) * np.exp(wander) * rng.lognormal(0, 0.08, len(time)), 1)


def background(
    rng: np.random.Generator,
    room: Background,
    interval: float | None,
    noise: tuple[np.ndarray, np.ndarray],
    dust: bool,
    start: float = 0.0,
    end: float = np.inf,
) -> Scene:
    """A fire-free stretch, as recorded, or interpolated to another interval."""
    if interval is None:
        inside = (room.time >= start) & (room.time <= end)
        time = room.time[inside]
    else:
        time = np.arange(start, min(end, room.time[-1]), interval)
    values = _room(rng, room, time, noise, as_recorded=interval is None)
    values["camera_fire"] = _camera(rng, time, np.zeros(len(time)), 2e-3 / 60)
    truth = np.where(time >= time[0] + 600, NORMAL, UNUSED)
    name = f"background/{room.name}/{'dust' if dust else 'smoke'}/{interval or 'native'}/{start:.0f}"
    return Scene(name, "background", time, values, np.full(len(time), -np.inf), truth, dust)


def fire(
    rng: np.random.Generator,
    place: Fire,
    room: Background,
    interval: float,
    noise: tuple[np.ndarray, np.ndarray],
    dust: bool,
    warm_up_s: float,
    number: int,
) -> Scene:
    """A real fire on a real background, after quiet time."""
    length = place.time[-1]
    start = rng.uniform(0, room.time[-1] - WARM_UP_S - length - 60)
    time = start + np.arange(0, warm_up_s + length + 1e-6, interval)
    since = time - start - warm_up_s
    burning = since >= place.time[0]
    values = _room(rng, room, time, noise, as_recorded=False)

    def rise(series: np.ndarray) -> np.ndarray:
        return np.interp(since[burning], place.time, series)

    values["smoke"][burning] = rise(place.smoke)
    values["pm25"][burning] += UG_PER_OD * rise(place.smoke)
    values["pm25"] = np.minimum(values["pm25"], DUST_MAX)
    values["temperature"][burning] += rise(place.temperature)
    if place.co is not None:
        values["carbon_monoxide"][burning] = rise(place.co)
    if place.co2 is not None:
        values["co2"][burning] += rise(place.co2)
    starts = {sensors: onset(place, kinds) for sensors, kinds in SETS.items()}
    # SYNTHETIC camera: in two fires of five it sees something, some time after the sensors could.
    seen = since >= min(starts.values()) + rng.uniform(10, 60)
    sees = seen * (rng.uniform(0.4, 0.95) if rng.random() < 0.4 else 0.0)
    values["camera_fire"] = _camera(rng, time, sees, 2e-3 / 60)
    name = f"fire/{place.name}/{room.name}/{'dust' if dust else 'smoke'}/{interval:g}/{number}"
    truth = np.where(burning, FIRE, UNUSED)
    return Scene(name, "fire", time, values, since, truth, dust, starts)


def meter(recorded: Meter) -> Scene:
    """A smoke meter of a NIST test alone, as recorded: it knows nothing but the seconds before."""
    truth = np.full(len(recorded.time), UNUSED)
    values = {"smoke": recorded.smoke}
    name = f"meter/{recorded.name}"
    return Scene(name, "meter", recorded.time, values, recorded.time.copy(), truth)


def onset(place: Fire, kinds: list[str]) -> float:
    """When the fire can be seen at this place: two readings in a row with 0.02 1/m (4.5 %/m) more
    smoke, which is above what any quiet smoke meter showed, or 2 °C more."""
    seen = np.zeros(len(place.time), bool)
    if "smoke" in kinds or "pm25" in kinds:
        seen |= place.smoke >= 0.02
    if "temperature" in kinds:
        seen |= place.temperature >= 2.0
    lasting = seen[:-1] & seen[1:]
    return float(place.time[np.argmax(lasting)]) if lasting.any() else np.inf


def nuisance(
    rng: np.random.Generator,
    cause: str,
    room: Background,
    interval: float,
    noise: tuple[np.ndarray, np.ndarray],
    dust: bool,
    number: int,
) -> Scene:
    """SYNTHETIC: a parametric template of a nuisance on a real background."""
    length = 2400.0
    start = rng.uniform(0, room.time[-1] - WARM_UP_S - length - 60)
    time = start + np.arange(0, WARM_UP_S + length, interval)
    since = time - start - WARM_UP_S
    values = _room(rng, room, time, noise, as_recorded=False)
    percent, active = np.zeros(len(time)), np.zeros(len(time), bool)
    draw = rng.uniform

    def hump(begin: float, end: float, tau: float) -> np.ndarray:
        """Rises towards 1 with `tau` from begin to end, then falls with it."""
        up = 1 - np.exp(-np.clip(since - begin, 0, end - begin) / tau)
        shape = up * np.exp(-np.clip(since - end, 0, None) / tau)
        active[shape > 0.1] = True
        return shape

    if cause == "steam":
        end = draw(300, 900)
        values["humidity"] += draw(20, 45) * hump(0, end, 120)
        values["temperature"] += draw(1, 4) * hump(0, end, 180)
        percent += rng.choice([0.0, draw(1, 8)]) * hump(60, end, 90)
    elif cause == "cooking":
        end = draw(900, 1800)
        values["temperature"] += draw(2, 8) * hump(0, end, 400)
        values["humidity"] += draw(3, 12) * hump(0, end, 300)
        values["co2"] += draw(100, 600) * hump(0, end, 400)
        begin = draw(180, 600)
        percent += draw(0.3, 6) * hump(begin, begin + draw(60, 300), 60)
    elif cause == "dust":
        for begin in draw(0, length, rng.integers(1, 5)):
            percent += draw(3, 25) * hump(begin, begin + draw(2, 20), 8)
    elif cause == "heating":
        values["temperature"] += draw(3, 10) * hump(0, draw(1200, 2400), draw(300, 900))
    values["humidity"] = np.clip(values["humidity"], 0, 99)
    density = -np.log10(1 - np.clip(percent, 0, 90) / 100)
    values["smoke"] += density
    values["pm25"] = np.minimum(values["pm25"] + UG_PER_OD * density, DUST_MAX)
    # SYNTHETIC camera: one nuisance of ten looks like smoke or fire to it.
    sees = active * (draw(0.3, 0.9) if rng.random() < 0.1 else 0.0)
    values["camera_fire"] = _camera(rng, time, sees, 2e-3 / 60)
    truth = np.where(active, NUISANCE, np.where(since >= -300, NORMAL, UNUSED))
    name = f"nuisance/{cause}/{room.name}/{'dust' if dust else 'smoke'}/{interval:g}/{number}"
    return Scene(name, "nuisance", time, values, since, truth, dust)


def broken(
    rng: np.random.Generator,
    cause: str,
    room: Background,
    interval: float,
    noise: tuple[np.ndarray, np.ndarray],
    number: int,
) -> Scene:
    """SYNTHETIC: one sensor of a real background breaks. Which rows count, its fault flag says."""
    # A day, a night and a morning before, or nobody can tell that standing still is unusual.
    before, length = 38 * 3600.0, 8 * 3600.0
    start = rng.uniform(0, max(0.0, room.time[-1] - before - length - 60))
    time = start + np.arange(0, before + length, interval)
    since = time - start - before
    values = _room(rng, room, time, noise, as_recorded=False)
    kind = ["temperature", "humidity", "co2", "smoke"][number % 4]
    after = since >= 0
    first = values[kind][after][0]
    if cause == "flat":
        values[kind][after] = first if kind != "smoke" else 0.004
    elif cause == "step":
        jump = {"temperature": 15.0, "humidity": 25.0, "co2": 800.0, "smoke": 0.05}[kind]
        noise_after = values[kind][after] - first
        values[kind][after] = first + jump + 0.2 * noise_after
    else:
        far = {"temperature": 850.0, "humidity": 125.5, "co2": 65_535.0, "smoke": -1.0}[kind]
        values[kind][after] = far
    truth = np.where(after, FAULT, UNUSED)
    name = f"fault/{cause}/{room.name}/smoke/{interval:g}/{number}"
    return Scene(name, "fault", time, values, since, truth)


def _camera(rng, time: np.ndarray, sees: np.ndarray, blips_per_s: float) -> np.ndarray:
    """SYNTHETIC: what the camera tells (empty most of the time), with false glances now and then."""
    told = np.where(sees > 0, sees, np.nan)
    steps = np.diff(time, prepend=time[0])
    blip = rng.random(len(time)) < np.minimum(steps, 60) * blips_per_s
    told[blip & np.isnan(told)] = rng.uniform(0.3, 0.7, (blip & np.isnan(told)).sum())
    return told


def _room(
    rng, room: Background, time: np.ndarray, noise: tuple[np.ndarray, np.ndarray], as_recorded: bool
) -> dict[str, np.ndarray]:
    def at(values: np.ndarray, digits: int) -> np.ndarray:
        if as_recorded:
            return values[np.searchsorted(room.time, time)].copy()
        return np.round(np.interp(time, room.time, values), digits)

    return {
        "smoke": quiet(rng, noise[0], len(time)),
        "pm25": quiet_dust(rng, time),
        "carbon_monoxide": quiet(rng, noise[1], len(time)),
        "temperature": at(room.temperature, 1),
        "humidity": at(room.humidity, 1),
        "co2": at(room.co2, 0),
    }
