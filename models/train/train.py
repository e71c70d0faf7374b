"""Trains env-fuser, evaluates it on recordings it has not seen, and writes its bundle.

    train.py --data DIR --bins DIR [--out models/env-fuser]
    train.py --data DIR --bins DIR --check      retrain and compare with the bundle

Everything is drawn from fixed seeds; two runs with the pinned packages give the same bytes.
"""

import os

# One thread: sums in one order.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ[name] = "1"

import argparse
import sys
import tempfile
from pathlib import Path

import bundle
import bundle_files
import checks
import data as recordings
import dataset
import results
from engine import Bins

BUNDLE = Path(__file__).resolve().parent.parent / "env-fuser"


def main() -> int:
    args = arguments()
    try:
        data = recordings.load(args.data)
    except recordings.DataError as error:
        print(f"train: {error}", file=sys.stderr)
        return 64
    bins = Bins.under(args.bins)
    print(f"frozen configuration {dataset.config_hash()}", flush=True)
    scenes = dataset.build(bins, data)
    print(f"{len(scenes)} scenes, {sum(len(s.features) for s in scenes):,} rows", flush=True)
    checks.masks_are_the_engines(bins, scenes)
    final = dataset.fit([s for s in scenes if s.part == "train"])
    checks.more_never_lowers(final.model)
    folds = results.compute(bins, data, scenes)
    out = Path(tempfile.mkdtemp()) if args.check else args.out
    bundle.write(out, data, scenes, final, folds, bins)
    if args.check:
        return bundle_files.compare(out, args.out, bundle.FILES_WRITTEN)
    print((out / "README.md").read_text())
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument(
        "--bins", type=Path, required=True, help="folder of the programs `features` and `levels`"
    )
    parser.add_argument("--out", type=Path, default=BUNDLE, help="where the bundle is")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
