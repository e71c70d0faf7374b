"""Evaluates the anomaly statistics and models on public recordings, through the shipped engine.

    python evaluate.py --data DIR --score-bin BIN [--score-args "score"] [--only skab,nab,calit2,quiet]

DIR holds one folder per set (`skab`, `nab`, `calit2`, `uci_occupancy`, `brains4buildings`); a set that is not there is
skipped, and that is said. BIN is the example `score` of gridwatch-anomaly (statistics only) or `edge-agent`
with `--score-args score`. Thresholds come from other recordings or from a series' own past; labels are used
to score only. See README.md of this folder for what each number means.
"""

import argparse
import shlex
import sys
from pathlib import Path

import calit2
import nab
import quiet
import skab
from common import EvaluationError


def counts(data: Path, command: list[str]) -> None:
    """CalIt2 prints Markdown lines of its own."""
    print("\n## CalIt2: people through a door\n")
    print("\n".join(calit2.run(data, command)))


# What evaluates a set, given the folder of all sets, and the folders of which it needs one.
SETS = {
    "skab": (lambda data, command: skab.evaluate(data / "skab", command), ["skab"]),
    "nab": (lambda data, command: nab.evaluate(data / "nab", command), ["nab"]),
    "calit2": (counts, ["calit2"]),
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
            evaluate(arguments.data, command)
        except (EvaluationError, calit2.DataError, OSError, KeyError, ValueError) as error:
            print(f"\n## {name}: FAILED: {error!r}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
