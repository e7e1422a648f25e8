"""The device on which a PyTorch model runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdsm_ros.errors import DeviceError

if TYPE_CHECKING:
    import torch


def choose_device(device: str) -> torch.device:
    """Resolves the name of a device: "auto" (CUDA if available, else the CPU), "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceError: The name is unknown, or the device is not available.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"device is {device!r}, expected 'auto', 'cpu', 'cuda' or 'cuda:0'") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"device is {device!r}, but no CUDA device is available")
    return chosen
