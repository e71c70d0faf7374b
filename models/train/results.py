"""Held-out results, kept between training and evaluation so that nothing is trained twice.

What is kept is found again only by the same configuration, test and programs; anything else is computed
anew, which takes some minutes.
"""

import hashlib
import os
import pickle
from pathlib import Path

# One thread: sums in one order. Before numpy is loaded for the first time.
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
    os.environ.setdefault(name, "1")

import data as recordings
import dataset
import heldout
from data import Data, DataError
from dataset import Sample
from engine import Bins
from heldout import Folds

__all__ = ["DataError", "compute", "held_out"]
KEPT = Path(__file__).resolve().parent.parent / ".cache"


def held_out(data_dir: Path, bins_dir: Path) -> Folds:
    """The results, kept or computed. The recordings are checked in either case."""
    bins = Bins.under(bins_dir)
    recordings.verify(data_dir)
    if _path(bins).is_file():
        return pickle.loads(_path(bins).read_bytes())
    data = recordings.load(data_dir)
    return compute(bins, data, dataset.build(bins, data))


def compute(bins: Bins, data: Data, samples: list[Sample]) -> Folds:
    """Computes and keeps the results."""
    folds = heldout.cross_validate(bins, data, samples)
    KEPT.mkdir(exist_ok=True)
    _path(bins).write_bytes(pickle.dumps(folds))
    return folds


def _path(bins: Bins) -> Path:
    digest = hashlib.sha256(dataset.config_hash().encode())
    for file in [Path(heldout.__file__), bins.features, bins.levels]:
        digest.update(file.read_bytes())
    return KEPT / f"{digest.hexdigest()[:32]}.pickle"
