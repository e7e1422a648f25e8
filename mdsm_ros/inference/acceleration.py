"""Running a model faster: half precision and torch.compile."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from mdsm_ros.errors import DeviceError
from mdsm_ros.models.interface import SegmentationModel

ACCELERATIONS = ("auto", "none", "half", "compile")
TOLERANCE = 0.05  # mean difference of probabilities that half precision may make


def choose_acceleration(name: str, device: torch.device) -> str:
    """What "auto" means on a device: "half" on a GPU; "none" on a CPU, few of which are faster in half precision.

    Raises:
        DeviceError: There is no such acceleration.
    """
    if name not in ACCELERATIONS:
        raise DeviceError(f"acceleration is {name!r}, expected one of {', '.join(ACCELERATIONS)}")
    if name != "auto":
        return name
    return "half" if device.type == "cuda" else "none"


def precision(name: str, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a model runs: float16 on a GPU, bfloat16 on a CPU where half precision is asked for."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.float16, enabled=name in ("half", "compile"))
    return torch.autocast("cpu", torch.bfloat16, enabled=name == "half")


def prepare(model: SegmentationModel, name: str, device: torch.device) -> None:
    """Changes a model in place; what it compiles is compiled when it first runs."""
    for module in model.compute_parts:
        if device.type == "cuda" and name in ("half", "compile"):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if name == "compile":
            # without CUDA graphs: theirs belong to the thread that recorded them, and the node has two
            module.compile()
