"""Makes recordings to learn from and to be tested on.

Three sorts, and every table of the card keeps them apart:

* background: a real fire-free recording. Its temperature, humidity and CO2 are as recorded. No
  public fire-free recording of a smoke meter or CO cell exists here, so their quiet signal is
  RESAMPLED from the first 20 s of the NIST tests.
* fire: a real NIST fire. Its smoke, temperature rise, CO rise and CO2 rise are put onto a real
  background at a random time; humidity stays the background's.
* nuisance: SYNTHETIC steam, cooking, dust and heating on a real background.
"""

from dataclasses import dataclass

import numpy as np

from data import Background, Fire

CHANNELS = ["smoke:1/m", "carbon_monoxide:ppm", "temperature:°C", "humidity:%", "co2:ppm"]
SETS = {
    "smoke+temperature": ["smoke", "temperature"],
    "smoke": ["smoke"],
    "temperature+humidity": ["temperature", "humidity"],
    "temperature+humidity+co2": ["temperature", "humidity", "co2"],
    "all": ["smoke", "carbon_monoxide", "temperature", "humidity", "co2"],
}
WARM_UP_S = 2 * 3600.0
EPOCH_S = 1_600_000_000.0


@dataclass
class Scene:
    """A recording with its truth."""

    name: str
    sort: str  # background, fire, nuisance
    sensors: str  # a key of SETS
    time: np.ndarray  # s
    values: dict[str, np.ndarray]  # by channel, in the units of CHANNELS
    since_start: np.ndarray  # s since ignition or start of the nuisance; negative before
    onset: float  # s since ignition when the fire can be seen in these sensors; inf if never

    def rows(self) -> list[list[str]]:
        """Cells of the CSV that the feature engine reads; an absent channel is empty."""
        columns = []
        for channel in CHANNELS:
            kind = channel.split(":")[0]
            if kind in self.values and kind in SETS[self.sensors]:
                columns.append([f"{v:.6g}" for v in self.values[kind]])
            else:
                columns.append([""] * len(self.time))
        times = [f"{t:.3f}" for t in self.time + EPOCH_S]
        return [list(cells) for cells in zip([self.name] * len(times), times, *columns)]


def quiet(rng: np.random.Generator, noise: np.ndarray, count: int) -> np.ndarray:
    """A quiet signal, RESAMPLED from what a sensor really showed while nothing happened."""
    return rng.choice(noise, count)


def background(
    rng: np.random.Generator,
    room: Background,
    sensors: str,
    interval: float | None,
    smoke_noise: np.ndarray,
    co_noise: np.ndarray,
    start: float = 0.0,
    end: float = np.inf,
) -> Scene:
    """A fire-free stretch, as recorded, or interpolated to another interval."""
    if interval is None:
        inside = (room.time >= start) & (room.time <= end)
        time = room.time[inside]
    else:
        time = np.arange(start, min(end, room.time[-1]), interval)
    values = _room(room, time, as_recorded=interval is None)
    values["smoke"] = quiet(rng, smoke_noise, len(time))
    values["carbon_monoxide"] = quiet(rng, co_noise, len(time))
    name = f"background/{room.name}/{sensors}/{interval or 'native'}/{start:.0f}"
    before = np.full(len(time), -np.inf)
    return Scene(name, "background", sensors, time, values, before, np.inf)


def fire(
    rng: np.random.Generator,
    place: Fire,
    room: Background,
    sensors: str,
    interval: float,
    smoke_noise: np.ndarray,
    co_noise: np.ndarray,
    number: int,
) -> Scene:
    """A real fire on a real background, after two quiet hours."""
    length = place.time[-1]
    start = rng.uniform(0, room.time[-1] - WARM_UP_S - length - 60)
    time = start + np.arange(0, WARM_UP_S + length + 1e-6, interval)
    since = time - start - WARM_UP_S
    burning = since >= place.time[0]
    values = _room(room, time, as_recorded=False)
    smoke, co = quiet(rng, smoke_noise, len(time)), quiet(rng, co_noise, len(time))

    def rise(series: np.ndarray) -> np.ndarray:
        return np.interp(since[burning], place.time, series)

    smoke[burning] = rise(place.smoke)
    values["smoke"] = smoke
    values["temperature"][burning] += rise(place.temperature)
    if place.co is not None:
        co[burning] = rise(place.co)
        values["carbon_monoxide"] = co
    if place.co2 is not None:
        values["co2"][burning] += rise(place.co2)
    name = f"fire/{place.name}/{room.name}/{sensors}/{interval:g}/{number}"
    return Scene(name, "fire", sensors, time, values, since, onset(place, SETS[sensors]))


def onset(place: Fire, channels: list[str]) -> float:
    """When the fire can be seen at this place: two readings in a row with 0.02 1/m (4.5 %/m) more
    smoke, which is above what any quiet smoke meter showed, or 2 °C more."""
    seen = np.zeros(len(place.time), bool)
    if "smoke" in channels:
        seen |= place.smoke >= 0.02
    if "temperature" in channels:
        seen |= place.temperature >= 2.0
    lasting = seen[:-1] & seen[1:]
    return float(place.time[np.argmax(lasting)]) if lasting.any() else np.inf


def nuisance(
    rng: np.random.Generator,
    cause: str,
    room: Background,
    sensors: str,
    interval: float,
    smoke_noise: np.ndarray,
    co_noise: np.ndarray,
    number: int,
) -> Scene:
    """SYNTHETIC: a parametric template of a nuisance on a real background."""
    length = 2400.0
    start = rng.uniform(0, room.time[-1] - WARM_UP_S - length - 60)
    time = start + np.arange(0, WARM_UP_S + length, interval)
    since = time - start - WARM_UP_S
    values = _room(room, time, as_recorded=False)
    percent = np.zeros(len(time))
    draw = rng.uniform

    def hump(begin: float, end: float, tau: float) -> np.ndarray:
        """Rises towards 1 with `tau` from begin to end, then falls with it."""
        up = 1 - np.exp(-np.clip(since - begin, 0, end - begin) / tau)
        return up * np.exp(-np.clip(since - end, 0, None) / tau)

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
    noise = quiet(rng, smoke_noise, len(time))
    values["smoke"] = noise - np.log10(1 - percent / 100)
    values["carbon_monoxide"] = quiet(rng, co_noise, len(time))
    name = f"nuisance/{cause}/{room.name}/{sensors}/{interval:g}/{number}"
    return Scene(name, "nuisance", sensors, time, values, since, np.inf)


def _room(room: Background, time: np.ndarray, as_recorded: bool) -> dict[str, np.ndarray]:
    def at(values: np.ndarray, digits: int) -> np.ndarray:
        if as_recorded:
            return values[np.searchsorted(room.time, time)].copy()
        return np.round(np.interp(time, room.time, values), digits)

    return {
        "temperature": at(room.temperature, 1),
        "humidity": at(room.humidity, 1),
        "co2": at(room.co2, 0),
    }
