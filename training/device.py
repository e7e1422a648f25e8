"""The device of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelerate import Accelerator
from accelerate.utils import patch_environment

from mdsm_ros.inference.device import choose_device


def open_accelerator(device: str, precision: str, handlers: Sequence[Any] = ()) -> Accelerator:
    """The processes and the device of a training.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N"; "auto" is a GPU of its own for each process, if there are any.
        precision: "no", "fp16" or "bf16".
        handlers: Options of Accelerate.

    Raises:
        DeviceError: The device is not available.
    """
    # Accelerate has no argument for one of several GPUs
    of_environment = {} if device in ("auto", "cpu") else {"accelerate_torch_device": str(choose_device(device))}
    with patch_environment(**of_environment):
        return Accelerator(mixed_precision=precision, cpu=device == "cpu", kwargs_handlers=list(handlers))
