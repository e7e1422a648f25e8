"""Writes an MDSM model with ONNX graphs, for ONNX Runtime, OpenVINO and TensorRT."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", help="name (mdsm models), folder or hub id of an MDSM model")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write; a model folder of its own adds its graphs there"
    )


def run(args: argparse.Namespace) -> int:
    """Writes the folder and lists its graphs."""
    from mdsm_ros.commands.options import check_model
    from mdsm_ros.extras import require

    require("torch", "onnx", "onnxscript", purpose="mdsm export")
    check_model(args.model)
    from mdsm_ros.checkpoints.export.run import export

    manifest = export(args.model, args.out)
    for name, file in manifest.graphs.items():
        size = (args.out / file).stat().st_size / 1e3
        print(
            f"{args.out / file}: {size:.0f} kB, {_signature(manifest.inputs[name])} -> "
            f"{_signature(manifest.outputs[name])}"
        )
    return 0


def _signature(arrays: object) -> str:
    assert isinstance(arrays, dict)
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in arrays.items())
