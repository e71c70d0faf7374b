"""Writes the bundle that the agent loads: model, manifest, golden rows, card; and compares two.

The signature over the manifest is not made here: `sign_bundle` makes it afterwards.
"""

import subprocess
from pathlib import Path

import numpy as np
from onnx import helper

import card
import dataset
import fuser
import heldout
from bundle_files import MIN_AGENT, OPSET, TOLERANCE, graph_bytes, sha256, training_file, write_golden
from data import FILES, LICENCES, Data
from dataset import Fitted, Sample
from engine import Bins
from heldout import Folds

BUILD = 2
FEATURES_VERSION = 2
CLIP = 8.0
WEIGHT_BYTES_MAX = 25_000
CHANNEL_UNITS = ["%/m", "µg/m³", "ppm", "ppb or index", "°C", "%", "ppm"]
# name, unit before squashing, window
CHANNEL_FORMS = [
    ("level_z", "scale", "6 h"),
    ("fast_z", "scale", "10 s against 970 s"),
    ("slope_1m", "rate", "10 s against 70 s"),
    ("slope_5m", "rate", "70 s against 370 s"),
    ("rise", "step", "6 h"),
    ("cusum", "scale·min", "970 s"),
    ("hour_z", "spread", "this hour of the week, 4 weeks"),
    ("age", "1", "newest value"),
    ("present", "1", "newest value"),
    ("fault", "1", "newest value, longest standstill"),
]
CONTEXT_FORMS = [
    ("absolute_humidity", "g/kg", "6 h"),
    ("smoke_co_ratio", "log", "6 h"),
    ("smoke_voc_ratio", "log", "6 h"),
    ("smoke_and_co", "step", "6 h"),
    ("smoke_and_heat", "step", "6 h"),
    ("hour_sin", "1", "newest value"),
    ("hour_cos", "1", "newest value"),
    ("occupancy_expected", "1", "2 h"),
    ("door_opened", "1", "5 min"),
    ("camera_fire", "1", "60 s"),
]
FROM_ZERO = {"cusum", "smoke_and_co", "smoke_and_heat"}
SHARES = {"age", "present", "fault", "door_opened", "camera_fire"}
SIGNED_SHARES = {"hour_sin", "hour_cos", "occupancy_expected"}
FILES_WRITTEN = [
    "model.onnx",
    "golden.csv",
    "golden-recording.csv",
    "golden-features.csv",
    "manifest.toml",
    "README.md",
]


def write(
    out: Path, data: Data, samples: list[Sample], final: Fitted, folds: Folds, bins: Bins
) -> None:
    """Writes all files of the bundle."""
    out.mkdir(parents=True, exist_ok=True)
    model = _graph(final.model)
    (out / "model.onnx").write_bytes(model)
    _write_golden(out / "golden.csv", final.model, model, _golden_rows(samples))
    recording = _golden_recording(data)
    (out / "golden-recording.csv").write_text(recording)
    features = subprocess.run(
        [str(bins.features)], input=recording.encode(), stdout=subprocess.PIPE, check=True
    ).stdout
    (out / "golden-features.csv").write_bytes(features)
    (out / "README.md").write_text(card.text(data, final, folds))
    (out / "manifest.toml").write_text(_manifest(out, samples, final, folds))


def feature_forms() -> list[tuple[str, str, str, str, str]]:
    """group, name, unit, window, unit of the channel; in the order of a row."""
    forms = [
        (group, *form, unit)
        for group, unit in zip(fuser.GROUPS, CHANNEL_UNITS)
        for form in CHANNEL_FORMS
    ]
    return forms + [("context", *form, "") for form in CONTEXT_FORMS]


def _graph(model: fuser.Fuser) -> bytes:
    """The fuser as ONNX: x = Clip(features); Gemm-Relu-Gemm plus a MatMul, all block-diagonal."""
    groups, classes = len(fuser.GROUPS), len(fuser.CLASSES)
    first, skip, second = model.dense()
    bias = model.first_bias.reshape(-1)
    constants = {
        "low": np.array(-CLIP),
        "high": np.array(CLIP),
        "first": first,
        "first_bias": bias,
        "second": second,
        "rest": -np.maximum(bias, 0) @ second,
        "skip": skip,
        "sum": np.tile(np.eye(classes), (groups, 1)),
        "bias": np.concatenate([[0.0], model.bias])[None, :],
        "without_fault": np.eye(classes)[:, :3],
        "fire": np.array([[0.0], [1.0], [0.0]]),
    }
    nodes = [
        helper.make_node("Clip", ["features", "low", "high"], ["x"]),
        helper.make_node("Gemm", ["x", "first", "first_bias"], ["pre"]),
        helper.make_node("Relu", ["pre"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "second", "rest"], ["bent"]),
        helper.make_node("MatMul", ["x", "skip"], ["straight"]),
        helper.make_node("Add", ["bent", "straight"], ["contributions"]),
        helper.make_node("Gemm", ["contributions", "sum", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["prob"], axis=1),
        helper.make_node("MatMul", ["logits", "without_fault"], ["working_logits"]),
        helper.make_node("Softmax", ["working_logits"], ["working"], axis=1),
        helper.make_node("MatMul", ["working", "fire"], ["score"]),
    ]
    widths = {"prob": classes, "score": 1, "contributions": groups * classes}
    columns = groups * fuser.PER_GROUP
    bytes_ = graph_bytes("env-fuser", BUILD, nodes, constants, columns, widths)
    if len(bytes_) > WEIGHT_BYTES_MAX:
        raise RuntimeError(f"the model has {len(bytes_)} bytes, more than {WEIGHT_BYTES_MAX}")
    return bytes_


def _golden_rows(samples: list[Sample]) -> np.ndarray:
    """Nothing known, both ends of the range, and rows of all sorts."""
    columns = len(fuser.GROUPS) * fuser.PER_GROUP
    rows = [np.zeros(columns), np.full(columns, CLIP), np.full(columns, -CLIP)]
    for sort in ["fire", "background", "nuisance", "fault"]:
        of_sort = [s for s in samples if s.part == "train" and s.scene.sort == sort]
        for sample in of_sort[:: len(of_sort) // 10]:
            rows.append(sample.features[-1 if sort != "nuisance" else len(sample.features) * 9 // 10])
    return np.array(rows, np.float32)


def _write_golden(path: Path, model: fuser.Fuser, graph: bytes, rows: np.ndarray) -> None:
    names = [f"{group}.{name}" for group, name, *_ in feature_forms()]
    outputs = ["score", *(f"prob.{c}" for c in fuser.CLASSES)]
    outputs += [f"contribution.{g}.{c}" for g in fuser.GROUPS for c in fuser.CLASSES]
    held = np.clip(rows.astype(float), -CLIP, CLIP)
    expected = np.concatenate(
        [
            model.score(held)[:, None],
            model.prob(held),
            model.contributions(held).reshape(len(rows), -1),
        ],
        axis=1,
    )
    write_golden(path, graph, [*names, *outputs], rows, expected)


def _golden_recording(data: Data) -> str:
    """SDC05 at place C as NIST recorded it, made harder: gaps, a repeated row, a clock step."""
    place = next(f for f in data.fires if f.name == "SDC05-C")
    header = ["time", "utc_offset_s", "episode", "door_opened", "camera_fire", "occupancy_expected"]
    header += ["smoke:1/m", "carbon_monoxide:ppm", "temperature:°C", "humidity:%", "co2:ppm", "pm25"]
    lines = [",".join(header)]
    for cycle, start in enumerate([1_600_000_000, 1_600_005_000, 1_600_001_000]):
        # Three times over: fresh, after a gap of more than an hour, and after a clock step back.
        for i, t in enumerate(place.time):
            cells = [f"{start + t:.1f}", "28800" if i == 0 else ""]
            cells.append({12: "1", 20: "0"}.get(i, ""))
            cells.append("1" if i == 9 else "")
            cells.append({15: "0.7", 16: "0.4", 25: "NaN"}.get(i, ""))
            cells.append("0.25" if i == 3 else "")
            cells.append(f"{place.smoke[i]:.5f}")
            cells.append(f"{place.co[i]:.2f}" if (i + cycle) % 3 else "")
            cells.append(f"{21 + place.temperature[i]:.1f}" if i % 7 != 3 else "NaN")
            cells.append("45" if i % 12 == 0 else "")
            cells.append(f"{420 + place.co2[i]:.0f}" if i % 2 else "")
            cells.append(f"{8 + i % 3}" if cycle == 2 else "")
            lines.append(",".join(cells))
            if i == 20:
                lines.append(lines[-1])
    return "\n".join(lines) + "\n"


def _manifest(out: Path, samples: list[Sample], final: Fitted, folds: Folds) -> str:
    enabled, _ = heldout.verdict(folds)
    quoted = ", ".join(f'"{group}"' for group in fuser.GROUPS)
    lines = [
        "# What the agent checks before it runs model.onnx. Written by models/train/train.py.",
        "schema = 2",
        'id = "env-fuser"',
        f"build = {BUILD}",
        'engine = "room"',
        f"features_version = {FEATURES_VERSION}",
        f"opset = {OPSET}",
        f'min_agent_version = "{MIN_AGENT}"',
        "# The model adds to the rules; it never mutes, delays or lowers one.",
        'role = "advisory"',
        "# By the rule of train/heldout.py; the card tells the numbers.",
        f"enabled = {str(enabled).lower()}",
        "classes = [" + ", ".join(f'"{c}"' for c in fuser.CLASSES) + "]",
        f"groups = [{quoted}]",
        "# Groups without a recording to learn from; only their fault flags count.",
        'untrained = ["voc"]',
        "",
        "[model]",
        'file = "model.onnx"',
        f'sha256 = "{sha256(out / "model.onnx")}"',
        'input = "features"',
        'prob = "prob"',
        'score = "score"',
        'contributions = "contributions"',
        "# logits = bias + sum of contributions over groups; prob = softmax(logits);",
        "# score = prob of fire / (1 - prob of fault)",
        f"bias = {[0.0, *map(float, final.model.bias)]}",
        "",
        "[golden]",
        'file = "golden.csv"',
        f'sha256 = "{sha256(out / "golden.csv")}"',
        f"tolerance = {TOLERANCE}",
        "",
        "# Levels of the score, set on fire-free training recordings only; they hold until a sensor has",
        "# a calibration of its own.",
        "[thresholds]",
        f"notice = {final.notice}",
        f"warning = {final.warning}",
        f"alarm = {final.alarm}",
        "",
        *_calibration(samples, final),
        "",
        *card.manifest_evaluation(folds),
        f'config_sha256 = "{dataset.config_hash()}"',
    ]
    lines += _features(samples)
    for path, digest in FILES.items():
        lines += training_file(path, digest, LICENCES[path.split("/")[0]], False)
    scenes = Path(dataset.make.__file__)
    lines += training_file("models/train/scenes.py", sha256(scenes), "Apache-2.0", True)
    return "\n".join(lines) + "\n"


def _calibration(samples: list[Sample], final: Fitted) -> list[str]:
    """Quantiles of the score on quiet training recordings, by the sensors of the room."""
    shares = [0.5, 0.9, 0.99, 0.999, 0.9999]
    lines = ["[calibration]", f"shares = {shares}"]
    for sensors in dataset.LEVEL_SETS:
        scores = np.concatenate(
            [
                final.model.score(s.rows(sensors).astype(float))
                for s in samples
                if s.part == "train" and s.scene.sort == "background" and s.scene.fits(sensors)
            ]
        )
        cells = ", ".join(f"{q:.6f}" for q in np.quantile(scores, shares))
        lines.append(f"{sensors.replace('+', '_')} = [{cells}]")
    return lines


def _features(samples: list[Sample]) -> list[str]:
    """Names, units, ranges, and what a quiet room shows: the reference for drift. A channel's
    quantiles are of the rows where it is present; one that no recording has is at rest."""
    quiet = np.concatenate([s.features for s in samples if heldout.is_recording(s)])
    lines = []
    for index, (group, name, unit, window, channel_unit) in enumerate(feature_forms()):
        low = 0.0 if name in FROM_ZERO | SHARES else -1.0 if name in SIGNED_SHARES else -CLIP
        high = 1.0 if name in SHARES | SIGNED_SHARES else CLIP
        start = fuser.GROUPS.index(group) * fuser.PER_GROUP
        known = quiet[:, start + 8] > 0 if group != "context" else np.ones(len(quiet), bool)
        values = quiet[known, index] if known.any() else np.zeros(1)
        cells = ", ".join(f"{q:.4f}" for q in np.quantile(values, [0.01, 0.1, 0.5, 0.9, 0.99]))
        in_unit = f"{unit} of {channel_unit}" if channel_unit and unit != "1" else unit
        lines += [
            "",
            "[[features]]",
            f'name = "{group}.{name}"',
            f'unit = "{in_unit}"',
            f'window = "{window}"',
            f"clip = [{low}, {high}]",
            f'group = "{group}"',
            f"quantiles = [{cells}]",
        ]
    return lines
