"""Writes the bundle that the agent loads: model, manifest, golden rows, card; and compares two."""

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import card
import fuser
from data import FILES, LICENCES, Data
from dataset import Fitted, Sample
from evaluate import Folds

BUILD = 1
OPSET = 17
FEATURES_VERSION = 1
MIN_AGENT = "0.1.0"
CLIP = 8.0
TOLERANCE = 1e-4
CHANNEL_NAMES = ["smoke", "carbon_monoxide", "voc", "temperature", "humidity", "co2"]
CHANNEL_UNITS = ["%/m", "ppm", "ppb or index", "°C", "%", "ppm"]
# name, unit before squashing, window
FEATURE_FORMS = [
    ("level_z", "scale", "6 h"),
    ("fast_z", "scale", "10 s against 970 s"),
    ("slope_1m", "rate", "10 s against 70 s"),
    ("slope_5m", "rate", "70 s against 370 s"),
    ("rise", "step", "6 h"),
    ("cusum", "scale·min", "970 s"),
    ("age", "1", "newest value"),
    ("present", "1", "newest value"),
]
FILES_WRITTEN = [
    "model.onnx",
    "golden.csv",
    "golden-recording.csv",
    "golden-features.csv",
    "manifest.toml",
    "README.md",
]


def write(
    out: Path, data: Data, samples: list[Sample], final: Fitted, folds: Folds, binary: Path
) -> None:
    """Writes all files of the bundle."""
    out.mkdir(parents=True, exist_ok=True)
    model = _graph(final.model)
    (out / "model.onnx").write_bytes(model)
    names = [f"{c}.{f}" for c in CHANNEL_NAMES for f, *_ in FEATURE_FORMS]
    rows = _golden_rows(samples)
    _write_golden(out / "golden.csv", final.model, model, names, rows)
    recording = _golden_recording(data)
    (out / "golden-recording.csv").write_text(recording)
    features = subprocess.run(
        [str(binary)], input=recording.encode(), stdout=subprocess.PIPE, check=True
    ).stdout
    (out / "golden-features.csv").write_bytes(features)
    (out / "manifest.toml").write_text(_manifest(out, final, folds))
    (out / "README.md").write_text(card.text(data, final, folds))


def compare(fresh: Path, shipped: Path) -> int:
    """0 when a new training gives the shipped bundle, byte by byte."""
    result = 0
    for name in FILES_WRITTEN:
        if not (shipped / name).is_file():
            print(f"{name}: missing in {shipped}")
            result = 1
        elif (fresh / name).read_bytes() == (shipped / name).read_bytes():
            print(f"{name}: same")
        else:
            print(f"{name}: DIFFERS from a new training ({fresh / name})")
            result = 1
    return result


def _graph(model: fuser.Fuser) -> bytes:
    """The fuser as ONNX: x = Clip(features); Gemm-Relu-Gemm plus a Gemm, all block-diagonal."""
    channels, per, hidden = fuser.CHANNELS, fuser.PER_CHANNEL, fuser.HIDDEN
    first = np.zeros((channels * per, channels * hidden), np.float32)
    skip = np.zeros((channels * per, channels), np.float32)
    second = np.zeros((channels * hidden, channels), np.float32)
    for c in range(channels):
        first[c * per : (c + 1) * per, c * hidden : (c + 1) * hidden] = model.first[c]
        skip[c * per : (c + 1) * per, c] = model.skip[c]
        second[c * hidden : (c + 1) * hidden, c] = model.second[c]
    rest = -(np.maximum(model.first_bias, 0) * model.second).sum(axis=1)
    constants = {
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "first": first,
        "first_bias": model.first_bias.reshape(-1).astype(np.float32),
        "second": second,
        "rest": rest.astype(np.float32),
        "skip": skip,
        "ones": np.ones((channels, 1), np.float32),
        "bias": np.array([model.bias], np.float32),
    }
    nodes = [
        helper.make_node("Clip", ["features", "low", "high"], ["x"]),
        helper.make_node("Gemm", ["x", "first", "first_bias"], ["pre"]),
        helper.make_node("Relu", ["pre"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "second", "rest"], ["bent"]),
        helper.make_node("MatMul", ["x", "skip"], ["straight"]),
        helper.make_node("Add", ["bent", "straight"], ["contributions"]),
        helper.make_node("Gemm", ["contributions", "ones", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["score"]),
    ]
    graph = helper.make_graph(
        nodes,
        "env-fuser",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", channels * per])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["N", 1]),
            helper.make_tensor_value_info("contributions", TensorProto.FLOAT, ["N", channels]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    made = helper.make_model(
        graph,
        producer_name="gridwatch-models",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    helper.set_model_props(made, {"id": "env-fuser", "build": str(BUILD)})
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _golden_rows(samples: list[Sample]) -> np.ndarray:
    """Nothing known, both ends of the range, and rows of all three sorts."""
    columns = fuser.CHANNELS * fuser.PER_CHANNEL
    rows = [np.zeros(columns), np.full(columns, CLIP), np.full(columns, -CLIP)]
    for sort in ["fire", "background", "nuisance"]:
        of_sort = [s for s in samples if s.part == "train" and s.scene.sort == sort]
        for sample in of_sort[:: len(of_sort) // 12]:
            rows.append(sample.features[-1 if sort != "nuisance" else len(sample.features) * 9 // 10])
    return np.array(rows, np.float32)


def _write_golden(path: Path, model: fuser.Fuser, graph: bytes, names, rows: np.ndarray) -> None:
    score = model.score(rows.astype(float))
    contributions = model.contributions(rows.astype(float))
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    ran_score, ran_contributions = session.run(["score", "contributions"], {"features": rows})
    worst = max(
        np.abs(ran_score[:, 0] - score).max(), np.abs(ran_contributions - contributions).max()
    )
    if worst > TOLERANCE / 2:
        raise RuntimeError(f"the exported graph is off by {worst}")
    header = ",".join([*names, "score", *(f"contribution.{c}" for c in CHANNEL_NAMES)])
    lines = [
        ",".join([*(repr(float(v)) for v in x), f"{s:.6f}", *(f"{v:.6f}" for v in c)])
        for x, s, c in zip(rows, score, contributions)
    ]
    path.write_text("\n".join([header, *lines]) + "\n")


def _golden_recording(data: Data) -> str:
    """SDC05 at place C as NIST recorded it, made harder: gaps, a repeated row, a clock step."""
    place = next(f for f in data.fires if f.name == "SDC05-C")
    lines = ["time,smoke:1/m,carbon_monoxide:ppm,temperature:°C,humidity:%,co2:ppm"]
    for cycle, start in enumerate([1_600_000_000, 1_600_005_000, 1_600_001_000]):
        # Three times over: fresh, after a gap of more than an hour, and after a clock step back.
        for i, t in enumerate(place.time):
            cells = [f"{start + t:.1f}", f"{place.smoke[i]:.5f}"]
            cells.append(f"{place.co[i]:.2f}" if (i + cycle) % 3 else "")
            cells.append(f"{21 + place.temperature[i]:.1f}" if i % 7 != 3 else "NaN")
            cells.append("45" if i % 12 == 0 else "")
            cells.append(f"{420 + place.co2[i]:.0f}" if i % 2 else "")
            lines.append(",".join(cells))
            if i == 20:
                lines.append(lines[-1])
    return "\n".join(lines) + "\n"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _manifest(out: Path, final: Fitted, folds: Folds) -> str:
    lines = [
        "# What the agent checks before it runs model.onnx. Written by models/train/train.py.",
        "schema = 1",
        'id = "env-fuser"',
        f"build = {BUILD}",
        f"features_version = {FEATURES_VERSION}",
        f"opset = {OPSET}",
        f'min_agent_version = "{MIN_AGENT}"',
        "# The model adds to the rules; it never mutes, delays or lowers one.",
        'role = "advisory"',
        "# Channels without a recording to learn from; they contribute 0.",
        'untrained = ["voc"]',
        "",
        "[model]",
        'file = "model.onnx"',
        f'sha256 = "{_sha256(out / "model.onnx")}"',
        'input = "features"',
        'score = "score"',
        'contributions = "contributions"',
        "# score = 1 / (1 + exp(-(bias + sum of contributions)))",
        f"bias = {final.model.bias!r}",
        "",
        "[golden]",
        'file = "golden.csv"',
        f'sha256 = "{_sha256(out / "golden.csv")}"',
        f"tolerance = {TOLERANCE}",
        "",
        "# Levels of the score, set on fire-free training recordings only.",
        "[thresholds]",
        f"notice = {final.notice}",
        f"warning = {final.warning}",
        f"alarm = {final.alarm}",
        "",
        *card.manifest_evaluation(folds),
    ]
    for channel, unit in zip(CHANNEL_NAMES, CHANNEL_UNITS):
        for name, feature_unit, window in FEATURE_FORMS:
            low = 0.0 if name in ("age", "present", "cusum") else -CLIP
            high = 1.0 if name in ("age", "present") else CLIP
            lines += [
                "",
                "[[features]]",
                f'name = "{channel}.{name}"',
                f'unit = "{feature_unit}"',
                f'channel_unit = "{unit}"',
                f'window = "{window}"',
                f"clip = [{low}, {high}]",
            ]
    for path, sha256 in FILES.items():
        lines += [
            "",
            "[[training_data]]",
            f'file = "{path}"',
            f'sha256 = "{sha256}"',
            f'licence = "{LICENCES[path.split("/")[0]]}"',
        ]
    return "\n".join(lines) + "\n"
