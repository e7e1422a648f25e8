"""Where a model runs."""

from __future__ import annotations

import os

import torch

from mdsm_ros.errors import DeviceError


def choose_device(device: str) -> torch.device:
    """The device that a name stands for: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"device is {device!r}, expected 'auto', 'cpu', 'cuda' or 'cuda:0'") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"device is {device!r}, but no CUDA device is available")
    return chosen


def leave_a_core() -> None:
    """Has models of this process use one CPU thread less than there are cores, unless OMP_NUM_THREADS is set.

    For processes that do something beside the model, such as the node. A thread of the model that waits for a core
    stops all others; and GNU OpenMP, which sees one thread too many where the model does not run in the main thread,
    lets its threads sleep after every operation: on two cores, answers then take twice as long as with one thread.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
