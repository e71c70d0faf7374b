"""Evaluates the anomaly statistics and models on public recordings, through the shipped engine.

    python evaluate.py --data DIR --score-bin BIN [--score-args "score"] [--only skab,nab,quiet]

DIR holds one folder per set (`skab`, `nab`, `uci_occupancy`, `brains4buildings`); a set that is not there is
skipped, and that is said. BIN is the example `score` of gridwatch-anomaly (statistics only) or `edge-agent`
with `--score-args score`. Thresholds come from other recordings or from a series' own past; labels are used
to score only. See README.md of this folder for what each number means.
"""

import argparse
import shlex
import sys
from pathlib import Path

import nab
import quiet
import skab
from common import EvaluationError

SETS = {
    "skab": (skab.evaluate, ["skab"]),
    "nab": (nab.evaluate, ["nab"]),
    "quiet": (quiet.evaluate, ["uci_occupancy", "brains4buildings"]),
}


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--score-bin", required=True)
    parser.add_argument("--score-args", default="", help="arguments before --time, such as `score`")
    parser.add_argument("--only", default=",".join(SETS), help="sets, separated by commas")
    arguments = parser.parse_args()
    command = [arguments.score_bin, *shlex.split(arguments.score_args)]
    chosen = arguments.only.split(",")
    unknown = sorted(set(chosen) - set(SETS))
    if unknown:
        parser.error(f"unknown sets {', '.join(unknown)}; there are {', '.join(SETS)}")
    for name in chosen:
        evaluate, folders = SETS[name]
        missing = [folder for folder in folders if not (arguments.data / folder).is_dir()]
        if len(missing) == len(folders):
            print(f"\n## {name}: skipped, {arguments.data} has no folder {' or '.join(missing)}")
            continue
        try:
            if name == "quiet":
                evaluate(arguments.data, command)
            else:
                evaluate(arguments.data / folders[0], command)
        except (EvaluationError, OSError, KeyError, ValueError) as error:
            print(f"\n## {name}: FAILED: {error!r}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
