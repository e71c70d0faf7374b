"""Fixed thresholds, as an alarm system without a model has them: the comparison for every table.

* smoke at or above 12.5 %/m, the least sensitive alarm point that UL 217 allows (4 %/ft);
* temperature at or above 58 °C;
* temperature 8 °C or more above what it was 60 s before.
"""

import numpy as np

from scenes import Scene

SMOKE_PERCENT = 12.5
FIXED_C = 58.0
RATE_C_PER_MIN = 8.0


def alarms(scene: Scene, sensors: list[str]) -> np.ndarray:
    """Whether a rule holds, row by row."""
    holds = np.zeros(len(scene.time), bool)
    if "smoke" in sensors:
        holds |= 100 * (1 - 10 ** -scene.values["smoke"]) >= SMOKE_PERCENT
    if "temperature" in sensors:
        values = scene.values["temperature"]
        holds |= values >= FIXED_C
        before = np.searchsorted(scene.time, scene.time - 60.0, side="right") - 1
        elapsed = (scene.time - scene.time[np.maximum(before, 0)]) / 60
        rise = values - values[np.maximum(before, 0)]
        # The rate over the last minute; at slower sampling over one interval.
        holds |= (before >= 0) & (elapsed <= 2.5) & (rise >= RATE_C_PER_MIN * np.maximum(elapsed, 1))
    return holds
