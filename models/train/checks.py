"""What must hold of every training, checked each time; a failure stops it."""

from dataclasses import replace

import numpy as np

import engine
import fuser
import scenes as make
from dataset import Sample
from engine import Bins


def masks_are_the_engines(bins: Bins, samples: list[Sample]) -> None:
    """Rows of a room with fewer sensors, masked, are what the engine gives for such a room."""
    shortest = {}
    for sample in samples:
        scene = sample.scene
        if scene.sort in ("fire", "nuisance"):
            best = shortest.get((scene.sort, scene.dust))
            if best is None or len(scene.time) < len(best.scene.time):
                shortest[scene.sort, scene.dust] = sample
    for sample in shortest.values():
        for sensors, kinds in make.SETS.items():
            if not sample.scene.fits(sensors):
                continue
            kept = {k: v for k, v in sample.scene.values.items() if k in [*kinds, "camera_fire"]}
            rows = engine.features(bins, [replace(sample.scene, values=kept)])[0]
            if not np.array_equal(rows, sample.rows(sensors)):
                raise RuntimeError(f"{sample.scene.name} with {sensors}: masked rows differ")


def more_never_lowers(model: fuser.Fuser) -> None:
    """More smoke, dust, CO, heat, or certainty of a camera never lowers the score."""
    rng = np.random.default_rng(11)
    columns = len(fuser.GROUPS) * fuser.PER_GROUP
    rows = rng.uniform(-8, 8, (20_000, columns))
    before = model.fire_logit(rows)
    for group, rising in fuser.RISING.items():
        for feature in rising:
            more = rows.copy()
            more[:, group * fuser.PER_GROUP + feature] += rng.uniform(0, 8, len(rows))
            worst = float((model.fire_logit(more) - before).min())
            if worst < -1e-9:
                name = f"{fuser.GROUPS[group]}, feature {feature}"
                raise RuntimeError(f"more of {name} lowers the score by {-worst} in the logit")
