"""Writes the bundle of count-fuser: graph, golden rows, manifest and card."""

from pathlib import Path

import numpy as np
from onnx import helper

import counts_card
import counts_fuser as fuser
from bundle_files import MIN_AGENT, OPSET, TOLERANCE, graph_bytes, sha256, training_file, write_golden
from counts_scenes import FILES, LICENCES, Scenes

BUILD = 1
FEATURES_VERSION = 1
CLIP = 12.0
CLASSES = ["normal", "unusual"]
# name, unit, window, upper end of its range; all begin at 0
FEATURES = [
    ("upper", "-log10 p", "1, 2 and 4 intervals", 12.0),
    ("lower", "-log10 p", "1, 2 and 4 intervals", 12.0),
    ("upper_ewma", "-log10 p", "3 intervals", 12.0),
    ("off_hours", "1", "hour of the week", 1.0),
    ("expected", "log10(1 + counts)", "hour of the week", 6.0),
    ("distinct", "log2(1 + credentials)", "open half-hour", 6.0),
    ("first_seen", "-log10 p", "newest credential", 4.0),
    ("denied", "-log10 p", "up to an hour", 12.0),
    ("held_open", "z", "last opening", 8.0),
    ("tailgating", "-log10 p", "up to an hour", 12.0),
    ("label_rarity", "-log10 p", "open half-hour", 4.0),
    ("detector", "1", "open half-hour", 1.0),
    ("dwell", "z", "open half-hour", 8.0),
    ("fire", "1", "one hour after", 1.0),
    ("age", "1", "newest count", 1.0),
    ("present", "1", "newest count", 1.0),
]
FILES_WRITTEN = ["model.onnx", "golden.csv", "manifest.toml", "README.md"]


def write(out: Path, scenes: Scenes, model: fuser.Fuser, results: "counts_card.Results") -> None:
    """Writes all files of the bundle; the signature is made elsewhere."""
    out.mkdir(parents=True, exist_ok=True)
    graph = _graph(model)
    (out / "model.onnx").write_bytes(graph)
    _write_golden(out / "golden.csv", model, graph, _golden_rows(scenes))
    (out / "manifest.toml").write_text(_manifest(out, scenes, model, results))
    (out / "README.md").write_text(counts_card.text(results))


def thresholds(scenes: Scenes, model: fuser.Fuser) -> tuple[float, float, float]:
    """Levels on quiet rows of training: one row a day, one a week, and above all of them."""
    quiet = np.sort(model.score(scenes.quiet))
    notice, warning = (float(quiet[-1 - len(quiet) // rows]) for rows in (48, 336))
    highest = float(quiet[-1])
    alarm = highest + 0.5 * (1 - highest)
    return tuple(round(level, 4) for level in (notice, max(warning, notice + 1e-3), alarm))


def _graph(model: fuser.Fuser) -> bytes:
    """x = Clip(features); Gemm-Relu-Gemm plus a Gemm for `counts`; zeros for what is not trained."""
    groups, classes = len(fuser.GROUPS), len(CLASSES)
    first = np.zeros((fuser.FEATURES, fuser.HIDDEN), np.float32)
    first[: fuser.USED] = model.first
    skip = np.zeros((fuser.FEATURES, 1), np.float32)
    skip[: fuser.USED, 0] = model.skip
    rest = -(np.maximum(model.first_bias, 0) * model.second).sum()
    # `counts` is the first group, `unusual` the second class.
    place = np.zeros((1, groups * classes), np.float32)
    place[0, 1] = 1
    add_up = np.tile(np.eye(classes, dtype=np.float32), (groups, 1))
    constants = {
        "low": np.array(0, np.float32),
        "high": np.array(CLIP, np.float32),
        "first": first,
        "first_bias": model.first_bias.astype(np.float32),
        "second": model.second.reshape(-1, 1).astype(np.float32),
        "rest": np.array([rest], np.float32),
        "skip": skip,
        "place": place,
        "add_up": add_up,
        "bias": np.array([0, model.bias], np.float32),
        "unusual": np.array([[0], [1]], np.float32),
    }
    nodes = [
        helper.make_node("Clip", ["features", "low", "high"], ["x"]),
        helper.make_node("Gemm", ["x", "first", "first_bias"], ["pre"]),
        helper.make_node("Relu", ["pre"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "second", "rest"], ["bent"]),
        helper.make_node("MatMul", ["x", "skip"], ["straight"]),
        helper.make_node("Add", ["bent", "straight"], ["contribution"]),
        helper.make_node("MatMul", ["contribution", "place"], ["contributions"]),
        helper.make_node("Gemm", ["contributions", "add_up", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["prob"], axis=1),
        helper.make_node("MatMul", ["prob", "unusual"], ["score"]),
    ]
    widths = {"prob": classes, "score": 1, "contributions": groups * classes}
    return graph_bytes("count-fuser", BUILD, nodes, constants, fuser.FEATURES, widths)


def _golden_rows(scenes: Scenes) -> np.ndarray:
    """Nothing known, both ends of the range, quiet rows, and rows of every sort of event."""
    rows = [np.zeros(fuser.FEATURES), np.full(fuser.FEATURES, CLIP), np.full(fuser.FEATURES, -CLIP)]
    rows += list(scenes.quiet[:: len(scenes.quiet) // 12])
    for sort in ["event", "night visit", "crowd", "silence"]:
        bags = [bag for bag in scenes.bags if bag.sort == sort]
        rows += [bag.rows[len(bag.rows) // 2] for bag in bags[:: max(1, len(bags) // 4)]]
    return np.array(rows, np.float32)


def _write_golden(path: Path, model: fuser.Fuser, graph: bytes, rows: np.ndarray) -> None:
    contribution = model.contribution(np.clip(rows, 0, CLIP))
    unusual = fuser.sigmoid(model.bias + contribution)
    prob = np.stack([1 - unusual, unusual], axis=1)
    contributions = np.zeros((len(rows), len(fuser.GROUPS) * len(CLASSES)))
    contributions[:, 1] = contribution
    outputs = np.concatenate([unusual[:, None], prob, contributions], axis=1)
    header = [name for name, *_ in FEATURES] + ["score"] + [f"prob.{name}" for name in CLASSES]
    header += [f"contribution.{group}.{name}" for group in fuser.GROUPS for name in CLASSES]
    write_golden(path, graph, header, rows, outputs)


def _manifest(out: Path, scenes: Scenes, model: fuser.Fuser, results) -> str:
    quote = lambda names: "[" + ", ".join(f'"{name}"' for name in names) + "]"
    notice, warning, alarm = thresholds(scenes, model)
    quiet = model.score(scenes.quiet)
    levels = [0.5, 0.9, 0.99, 0.999]
    lines = [
        "# What the agent checks before it runs model.onnx. Written by models/train/counts.py.",
        "schema = 2",
        'id = "count-fuser"',
        f"build = {BUILD}",
        'engine = "counts"',
        f"features_version = {FEATURES_VERSION}",
        f"opset = {OPSET}",
        f'min_agent_version = "{MIN_AGENT}"',
        "# The model adds to the rules; it never mutes, delays or lowers one.",
        'role = "advisory"',
        "# False: it did not beat the statistics alone on what it had not seen; see README.md.",
        f"enabled = {str(results.enabled).lower()}",
        f"classes = {quote(CLASSES)}",
        f"groups = {quote(fuser.GROUPS)}",
        "# Groups without a recording to learn from; they contribute 0.",
        f"untrained = {quote(fuser.UNTRAINED)}",
        "",
        "[model]",
        'file = "model.onnx"',
        f'sha256 = "{sha256(out / "model.onnx")}"',
        'input = "features"',
        'prob = "prob"',
        'score = "score"',
        'contributions = "contributions"',
        "# score = prob of `unusual`; prob = softmax(bias + sum of contributions over groups)",
        f"bias = [0.0, {model.bias!r}]",
        "",
        "[golden]",
        'file = "golden.csv"',
        f'sha256 = "{sha256(out / "golden.csv")}"',
        f"tolerance = {TOLERANCE}",
        "",
        "# Levels of the score, set on quiet training rows only.",
        "[thresholds]",
        f"notice = {notice}",
        f"warning = {warning}",
        f"alarm = {alarm}",
        "",
        "# Quantiles of the scores of quiet training rows.",
        "[calibration]",
        f"levels = {levels}",
        f"scores = {[round(float(q), 6) for q in np.quantile(quiet, levels)]}",
        f"rows = {len(quiet)}",
        "",
        *counts_card.manifest_evaluation(results),
    ]
    group_of = {index: name for name, indices in fuser.GROUPS.items() for index in indices}
    for index, (name, unit, window, high) in enumerate(FEATURES):
        quantiles = np.quantile(scenes.quiet[:, index].astype(float), [0.01, 0.1, 0.5, 0.9, 0.99])
        lines += [
            "",
            "[[features]]",
            f'name = "{name}"',
            f'unit = "{unit}"',
            f'window = "{window}"',
            f"clip = [0.0, {high}]",
            f'group = "{group_of[index]}"',
            f"quantiles = {[round(float(q), 5) for q in quantiles]}",
        ]
    for path, digest in FILES.items():
        lines += training_file(path, digest, LICENCES[path.split("/")[0]], False)
    script = "models/train/counts_scenes.py"
    digest = sha256(Path(__file__).resolve().parent / "counts_scenes.py")
    lines += ["", "# Visits, crowds and silences that the trainer adds to the recordings."]
    lines += training_file(script, digest, "Apache-2.0", True)[1:]
    return "\n".join(lines) + "\n"
