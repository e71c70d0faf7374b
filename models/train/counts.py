"""Trains count-fuser, tests it on weeks it has not seen beside the statistics alone, and writes its bundle.

    counts.py --data DIR --features-bin PATH [--out models/count-fuser]
    counts.py --data DIR --features-bin PATH --check      retrain and compare with the bundle

Everything is drawn from fixed seeds; two runs with the pinned packages give the same bytes.
"""

import os

# One thread: sums in one order.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

import bundle_files
import counts_bundle
import counts_card
import counts_fuser
import counts_scenes
from counts_scenes import calit2

BUNDLE = Path(__file__).resolve().parent.parent / "count-fuser"
SEED = 1
# What each sort of event weighs, all its bags together.
SORT_WEIGHT = {"event": 1.0, "night visit": 1.0, "crowd": 1.0, "silence": 0.3}
UPPER, LOWER = 0, 1
LOWER_PART = 1 / 3


def main() -> int:
    args = arguments()
    try:
        streams = counts_scenes.load(args.data)
    except (counts_scenes.DataError, calit2.DataError) as error:
        print(f"counts: {error}", file=sys.stderr)
        return 64
    scenes = counts_scenes.build(args.features_bin, streams)
    model = fit(scenes)
    results = evaluate(args, scenes, model)
    out = Path(tempfile.mkdtemp()) if args.check else args.out
    counts_bundle.write(out, scenes, model, results)
    if args.check:
        return bundle_files.compare(out, args.out, counts_bundle.FILES_WRITTEN)
    print((out / "README.md").read_text())
    return 0


def fit(scenes: counts_scenes.Scenes) -> counts_fuser.Fuser:
    number = Counter(bag.sort for bag in scenes.bags)
    weight = np.array([SORT_WEIGHT[bag.sort] / number[bag.sort] for bag in scenes.bags])
    rows = [bag.rows for bag in scenes.bags]
    return counts_fuser.train(scenes.quiet, rows, weight / weight.sum(), SEED)


def evaluate(args, scenes, model) -> counts_card.Results:
    """On the later weeks of CalIt2, by the protocol of models/evaluate/calit2.py."""
    counts = calit2.load(args.data)

    def method(score):
        def of(entered, left):
            runs = [("in", counts.times, entered), ("out", counts.times, left)]
            return np.maximum(*(score(rows) for rows in counts_scenes.features(args.features_bin, runs)))

        return of

    def statistics(rows):
        return np.maximum(rows[:, UPPER], LOWER_PART * rows[:, LOWER])

    methods = {
        "fixed threshold on the count": calit2.fixed,
        "rolling z, one week": calit2.rolling_z,
        "EWMA z, one day": calit2.ewma_z,
        "statistics alone (model off)": method(statistics),
        "count-fuser": method(model.logit),
    }
    return counts_card.Results(
        tables=calit2.tables(counts, methods),
        bags=Counter((bag.site, bag.sort) for bag in scenes.bags),
        quiet_rows=len(scenes.quiet),
        fuser=_headline(counts, methods["count-fuser"]),
        statistics=_headline(counts, methods["statistics alone (model off)"]),
    )


def _headline(counts, method) -> tuple[int, int, int, int]:
    events = calit2.swept(method(counts.entered, counts.left), counts, counts.tested, 2)[0]
    found = of = 0
    for seed in calit2.NIGHT_SEEDS:
        entered, left, visits = calit2.night_visits(counts, 4, seed)
        found += calit2.swept(method(entered, left), counts, visits, 1, counts.events)[0]
        of += len(visits)
    return events, len(counts.tested), found, of


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument(
        "--features-bin", type=Path, required=True, help="program that turns counts into features"
    )
    parser.add_argument("--out", type=Path, default=BUNDLE, help="where the bundle is")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
