"""Running a model faster: half precision and torch.compile."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from mdsm_ros.errors import DeviceError
from mdsm_ros.models.interface import SegmentationModel

ACCELERATIONS = ("auto", "none", "half", "compile")
TOLERANCE = 0.05  # largest mean difference of the probabilities that half precision may cause


def choose_acceleration(name: str, device: torch.device) -> str:
    """Resolves "auto": "half" on a GPU, "none" on a CPU, because few CPUs are faster in half precision.

    Raises:
        DeviceError: The name of the acceleration is unknown.
    """
    if name not in ACCELERATIONS:
        raise DeviceError(f"acceleration is {name!r}, expected one of {', '.join(ACCELERATIONS)}")
    if name != "auto":
        return name
    return "half" if device.type == "cuda" else "none"


def precision(name: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a model runs; for half precision this is float16 on a GPU and bfloat16 on a CPU."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16, enabled=name in ("half", "compile"))
    return torch.autocast("cpu", torch.bfloat16, enabled=name == "half")


def prepare(model: SegmentationModel, name: str, device: torch.device) -> None:
    """Accelerates a model in place; torch.compile does its work on the first call."""
    for module in model.compute_parts:
        if device.type == "cuda" and name in ("half", "compile"):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if name == "compile":
            # no CUDA graphs: they belong to the thread that recorded them, and the node has two threads
            module.compile()
