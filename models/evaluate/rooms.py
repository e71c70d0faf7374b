"""Fire-free real rooms through the agent's programs: false starts per sensor-month.

`run(data_dir, bins)` gives the tables as Markdown. Models are trained without the site they are tested
on. Smoke, CO and fine dust have no fire-free recording; tables with them say RESAMPLED or SYNTHETIC.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train"))

import heldout
import results
import tables
from common import held_out_tables


def run(data_dir: Path, bins: Path) -> str:
    """Tables for the recordings under `data_dir`; `bins` is the folder of `features` and `levels`."""
    folds = results.held_out(Path(data_dir), Path(bins))
    parts = ["## Fire-free real rooms, single sensors", *tables.quiet(folds, heldout.SINGLE_SETS)]
    parts += tables.quiet_total(folds, heldout.SINGLE_SETS)
    parts += ["## Fire-free real rooms, as a room", *tables.quiet(folds, heldout.ROOM_SETS)]
    parts += tables.quiet_total(folds, heldout.ROOM_SETS)
    parts += ["## Fire-free rooms with RESAMPLED or SYNTHETIC smoke, CO or dust"]
    parts += tables.quiet(folds, heldout.MIXED_SETS)
    parts += ["## SYNTHETIC nuisances, share of scenes with an alarm", *tables.nuisances(folds)]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(held_out_tables("rooms", __doc__, run, results.DataError))
