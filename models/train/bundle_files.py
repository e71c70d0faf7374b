"""What both bundles have in common: how their files are written and compared."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
MIN_AGENT = "0.1.0"
# How far an output may be off on any runtime; the export may be off by half of it.
TOLERANCE = 1e-4


def compare(fresh: Path, shipped: Path, names: list[str]) -> int:
    """0 when a new training gives the shipped bundle, byte by byte."""
    result = 0
    for name in names:
        if not (shipped / name).is_file():
            print(f"{name}: missing in {shipped}")
            result = 1
        elif (fresh / name).read_bytes() == (shipped / name).read_bytes():
            print(f"{name}: same")
        else:
            print(f"{name}: DIFFERS from a new training ({fresh / name})")
            result = 1
    return result


def sha256(path: Path) -> str:
    """Of a file's bytes, in lower-case hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def graph_bytes(
    name: str,
    build: int,
    nodes: list,
    constants: dict[str, np.ndarray],
    features: int,
    outputs: dict[str, int],
) -> bytes:
    """A checked graph from `features` [N, features] to outputs [N, width], all float32."""
    value = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
    graph = helper.make_graph(
        nodes,
        name,
        [value("features", features)],
        [value(output, width) for output, width in outputs.items()],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in constants.items()],
    )
    made = helper.make_model(
        graph,
        producer_name="gridwatch-models",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    helper.set_model_props(made, {"id": name, "build": str(build)})
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def write_golden(
    path: Path, graph: bytes, header: list[str], rows: np.ndarray, expected: np.ndarray
) -> None:
    """Rows and what the trainer's arithmetic makes of them: score, prob, contributions."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    ran = session.run(["score", "prob", "contributions"], {"features": rows})
    worst = np.abs(np.concatenate(ran, axis=1) - expected).max()
    if worst > TOLERANCE / 2:
        raise RuntimeError(f"the exported graph is off by {worst}")
    lines = [
        ",".join([*(repr(float(v)) for v in x), *(f"{v:.6f}" for v in y)])
        for x, y in zip(rows, expected)
    ]
    path.write_text("\n".join([",".join(header), *lines]) + "\n")


def training_file(path: str, digest: str, licence: str, synthetic: bool) -> list[str]:
    """The manifest's lines about one file of the training data."""
    return [
        "",
        "[[training_data]]",
        f'file = "{path}"',
        f'sha256 = "{digest}"',
        f'licence = "{licence}"',
        f"synthetic = {str(synthetic).lower()}",
    ]
