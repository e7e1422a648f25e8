"""Writes an MDSM model with ONNX graphs, for ONNX Runtime, OpenVINO and TensorRT."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

NOT_KEPT = 1  # exit code: the graphs in integers are too inaccurate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="name (mdsm models), folder or hub id of an MDSM model")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write; a model folder of its own adds its graphs there"
    )
    parser.add_argument(
        "--int8",
        type=Path,
        metavar="DATASET",
        help="make convolutions 8-bit integers: calibrated on the split train of a dataset, and kept only if mIoU "
        "on its split val falls by less than a point",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the folder and lists its graphs."""
    from mdsm_ros.commands.options import check_model
    from mdsm_ros.extras import require

    require("torch", "onnx", "onnxscript", purpose="mdsm export")
    check_model(args.model)
    if args.int8 is not None:
        require("onnxruntime", purpose="mdsm export --int8")
    from mdsm_ros.checkpoints.export.run import export

    manifest = export(args.model, args.out)
    for name, file in manifest.graphs.items():
        size = (args.out / file).stat().st_size / 1e3
        print(
            f"{args.out / file}: {size:.0f} kB, {_signature(manifest.inputs[name])} -> "
            f"{_signature(manifest.outputs[name])}"
        )
    return 0 if args.int8 is None else _quantize(args.out, args.int8)


def _quantize(folder: Path, data: Path) -> int:
    from mdsm_ros.commands.export.int8 import LARGEST_LOSS, quantize
    from mdsm_ros.dataset.format import Dataset

    before, after, number = quantize(folder, Dataset(data))
    said = f"mIoU on {number} instructions of {data}, split val: {before:.3f} in float32, {after:.3f} in int8"
    if before - after < LARGEST_LOSS:
        print(f"{said}. The folder's graphs are int8.")
        return 0
    print(f"{said}, which is {LARGEST_LOSS:g} or more below. The folder keeps its float32 graphs.", file=sys.stderr)
    return NOT_KEPT


def _signature(arrays: object) -> str:
    assert isinstance(arrays, dict)
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in arrays.items())
