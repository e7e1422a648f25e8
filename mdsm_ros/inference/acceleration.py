"""Running a model faster: half precision, torch.compile, or exported graphs. Imports no heavy library by itself."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from mdsm_ros.errors import DeviceError, MissingPackageError
from mdsm_ros.extras import install_line, is_installed

if TYPE_CHECKING:
    import torch

    from mdsm_ros.models.interface import SegmentationModel

RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino", "tensorrt": "onnxruntime"}
"""The accelerations that run exported graphs, and the package of each."""
ACCELERATIONS = ("auto", "none", "half", "compile", *RUNTIMES)
TOLERANCE = 0.05  # largest mean difference of the probabilities that an acceleration may cause


def choose_acceleration(name: str, device: str) -> str:
    """Resolves "auto": "half" on a GPU, "none" on a CPU, because few CPUs are faster in half precision.

    Raises:
        DeviceError: The name of the acceleration is unknown.
    """
    if name not in ACCELERATIONS:
        raise DeviceError(f"acceleration is {name!r}, expected one of {', '.join(ACCELERATIONS)}")
    if name != "auto":
        return name
    return "half" if device.startswith("cuda") else "none"


def choose_runtime() -> str:
    """The runtime of graphs where PyTorch is not installed: ONNX Runtime, else OpenVINO.

    Raises:
        MissingPackageError: Neither is installed.
    """
    for name in ("onnx", "openvino"):
        if is_installed(RUNTIMES[name]):
            return name
    raise MissingPackageError(
        f"a model needs PyTorch, or ONNX Runtime for the embedded model on a CPU, and neither is installed; install "
        f"one with: {install_line('torch')} or {install_line('onnx')}"
    )


def precision(name: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a model runs; for half precision this is float16 on a GPU and bfloat16 on a CPU."""
    import torch

    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16, enabled=name in ("half", "compile"))
    return torch.autocast("cpu", torch.bfloat16, enabled=name == "half")


def prepare(model: SegmentationModel, name: str, device: str) -> None:
    """Accelerates a model of PyTorch in place; torch.compile does its work on the first call."""
    import torch

    for module in model.compute_parts:
        if device.startswith("cuda") and name in ("half", "compile"):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if name == "compile":
            # no CUDA graphs: they belong to the thread that recorded them, and the node has two threads
            module.compile()
