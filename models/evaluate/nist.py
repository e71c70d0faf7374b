"""NIST fires through the agent's programs: every smoke meter alone, and rooms with several sensors.

`run(data_dir, bins)` gives the tables as Markdown. Models are trained without the fire they are tested
on; results are those of `make train` when its data, programs and configuration are the same.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train"))

import results
import tables


def run(data_dir: Path, bins: Path) -> str:
    """Tables for the recordings under `data_dir`; `bins` is the folder of `features` and `levels`."""
    folds = results.held_out(Path(data_dir), Path(bins))
    parts = ["## NIST fires, smoke meters", *tables.meters(folds)]
    parts += ["## NIST fires in a room", *tables.fires(folds)]
    parts += ["## Reached or not (env-fuser)", *tables.targets(folds)]
    return "\n".join(parts) + "\n"


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--bins", type=Path, required=True, help="folder of `features` and `levels`")
    arguments = parser.parse_args()
    try:
        print(run(arguments.data, arguments.bins))
    except results.DataError as error:
        print(f"nist: {error}", file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
