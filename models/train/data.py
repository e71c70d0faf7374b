"""Reads the public recordings that env-fuser is trained and evaluated on.

Every file is checked against its sha256 before use. Where to get the files: models/README.md.
Nothing here is simulated; what is derived or synthetic is made in `scenes.py` and named so there.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

# path under --data, sha256, licence
FILES = {
    "nist_smoke_alarms/NIST_Smoke_Alarms_SDC02.csv": "d58319a77168a655f32ae4179c2978c83e55f53acd6d3cc2970e2a930816f422",
    "nist_smoke_alarms/NIST_Smoke_Alarms_SDC05.csv": "3924abee04e2557b5656bdc028872b4c578125e9233276c29fe8a068f3e354d5",
    "nist_smoke_alarms/NIST_Smoke_Alarms_SDC07.csv": "2c888e994109a3cbca7186d436fb52c3476c33eb24022439fe4a32e6da61a15b",
    "nist_smoke_alarms/NIST_Smoke_Alarms_SDC33.csv": "68ff55baa8508a5e45b57d6b0eb47416ae66b9e4e40d9821dab9a3519d32c1cd",
    "nist_smoke_alarms/NIST_Smoke_Alarms_SDC35.csv": "f8003789eae6cf28e4f1fac3b25d7ce6930e313b2611c5836ec72efaa8c29875",
    "brains4buildings/917810_raw_properties.parquet": "c511d1ea392dc0694dd02d1b175ad7fffb7cb81c188fb28b2d1f98f3100115e1",
    "brains4buildings/999169_raw_properties.parquet": "fd86b529d62bc50aa94aa84b15a50baa8c7e2305d0743b1697f131906b3f4dd5",
    "uci_occupancy/datatraining.txt": "f761c315b11cfc7b04efb4401b5d4017830ce1efb73dbaf190e0a5d1c6aa2212",
    "uci_occupancy/datatest.txt": "3c99c3a9ad6e5de8d734ba1c3f2e0a7300832826478225f5a6a8519d7e3b5f07",
    "uci_occupancy/datatest2.txt": "e70f733dc980b26950d071227a66f68dc6ef54ee48ec7eb9f5ee62230daeab5f",
}
LICENCES = {
    "nist_smoke_alarms": "NIST public domain notice",
    "brains4buildings": "CC BY 4.0",
    "uci_occupancy": "CC BY 4.0",
}
FIRES = ["SDC02", "SDC05", "SDC07", "SDC33", "SDC35"]
LOCATIONS = "ABCDEF"


class DataError(Exception):
    """A file is missing or is not the one that the model was trained on."""


@dataclass
class Fire:
    """One measuring place of one NIST test fire: rises over the first readings."""

    fire: str
    location: str
    time: np.ndarray  # s since ignition
    smoke: np.ndarray  # optical density, 1/m
    temperature: np.ndarray  # rise, °C
    co: np.ndarray | None  # rise, ppm
    co2: np.ndarray | None  # rise, ppm

    @property
    def name(self) -> str:
        return f"{self.fire}-{self.location}"


@dataclass
class Meter:
    """One smoke meter of one NIST test, as recorded from ignition on."""

    fire: str
    column: str
    time: np.ndarray  # s since ignition
    smoke: np.ndarray  # optical density, 1/m (the unit is assumed)

    @property
    def name(self) -> str:
        return f"{self.fire}-{self.column}"


@dataclass
class Background:
    """One fire-free recording of a room, as recorded."""

    site: str
    name: str
    time: np.ndarray  # s, from 0
    temperature: np.ndarray  # °C
    humidity: np.ndarray  # %
    co2: np.ndarray  # ppm

    @property
    def hours(self) -> float:
        return float(self.time[-1] - self.time[0]) / 3600


@dataclass
class Data:
    """All recordings."""

    fires: list[Fire]
    backgrounds: list[Background]
    smoke_noise: dict[str, np.ndarray] = field(default_factory=dict)  # per fire, 1/m
    co_noise: dict[str, np.ndarray] = field(default_factory=dict)  # per fire, ppm

    meters: list["Meter"] = field(default_factory=list)

    @property
    def sites(self) -> list[str]:
        return sorted({background.site for background in self.backgrounds})


def load(root: Path) -> Data:
    """Checks and reads everything under `root`."""
    verify(root)
    data = Data(fires=[], backgrounds=[])
    for fire in FIRES:
        table = pd.read_csv(root / f"nist_smoke_alarms/NIST_Smoke_Alarms_{fire}.csv")
        data.fires += [_fire(fire, location, table) for location in LOCATIONS]
        data.smoke_noise[fire], data.co_noise[fire] = _noise(table)
        data.meters += meters(fire, table)
    for room in ["917810", "999169"]:
        data.backgrounds.append(_brains4buildings(root, room))
    for name in ["datatest", "datatraining", "datatest2"]:
        data.backgrounds.append(_uci(root, name))
    return data


def meters(fire: str, table: pd.DataFrame) -> list[Meter]:
    """The smoke meters 20 mm below the ceiling, one at each place."""
    time = table["TIME"].to_numpy(float)
    return [
        Meter(fire, column, time, table[column].to_numpy(float))
        for column in (f"SM{location}_1" for location in LOCATIONS)
        if column in table
    ]


def verify(root: Path) -> None:
    """Refuses missing or other files, all problems at once."""
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


def _fire(fire: str, location: str, table: pd.DataFrame) -> Fire:
    def rise(column: str) -> np.ndarray:
        values = table[column].to_numpy(float)
        return values - np.median(values[:3])

    co = None
    column = f"CO1{location}"
    # A cell that is connected shows noise; a dead channel is constant.
    if column in table and table[column].iloc[:10].std() > 0.05:
        co = rise(column)
    co2 = None
    column = f"GAS{location}_3"
    # Two analysers stand far off the 0.04 % of fresh air from the start.
    if column in table and table[column].iloc[:3].median() < 0.2:
        co2 = rise(column) * 10_000
    return Fire(
        fire=fire,
        location=location,
        time=table["TIME"].to_numpy(float),
        smoke=np.maximum(rise(f"SM{location}_1"), 0.0),
        temperature=rise(f"TC{location}_1"),
        co=co,
        co2=co2,
    )


def _noise(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What smoke meters and CO cells show while nothing has reached them: the first 20 s."""
    quiet = table["TIME"] <= 20
    smoke = [
        np.maximum(values - values.median(), 0)
        for location in "ABCDEF"
        if (values := table.loc[quiet, f"SM{location}_1"]).max() < 0.02
    ]
    co = [
        values - values.median()
        for location in "ABCD"
        if 0.05 < (values := table.loc[quiet, f"CO1{location}"]).std() < 5
    ]
    return np.concatenate(smoke), np.concatenate(co) if co else np.zeros(1)


def _brains4buildings(root: Path, room: str) -> Background:
    table = pd.read_parquet(root / f"brains4buildings/{room}_raw_properties.parquet").reset_index()
    table = table[table["source"] == "bms"].sort_values("timestamp")
    time = (table["timestamp"] - table["timestamp"].iloc[0]).dt.total_seconds().to_numpy(float)
    return Background(
        site=f"b4b-{room}",
        name=f"b4b-{room}",
        time=time,
        temperature=table["temp_in__degC"].to_numpy(float),
        humidity=table["rel_humidity__0"].to_numpy(float) * 100,
        co2=table["co2__ppm"].to_numpy(float),
    )


def _uci(root: Path, name: str) -> Background:
    table = pd.read_csv(root / f"uci_occupancy/{name}.txt").rename(columns=str.lower)
    time = pd.to_datetime(table["date"])
    return Background(
        site="uci",
        name=f"uci-{name}",
        time=(time - time.iloc[0]).dt.total_seconds().to_numpy(float),
        temperature=table["temperature"].to_numpy(float),
        humidity=table["humidity"].to_numpy(float),
        co2=table["co2"].to_numpy(float),
    )
