"""The device on which a model runs, and its threads."""

from __future__ import annotations

import os

import torch

from mdsm_ros.errors import DeviceError


def choose_device(device: str) -> torch.device:
    """Resolves the name of a device: "auto" (CUDA if available, else the CPU), "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceError: The name is unknown, or the device is not available.
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
    """Limits models in this process to one CPU thread less than there are cores, unless OMP_NUM_THREADS is set.

    For processes that do other work beside the model, such as the node. If one thread of the model waits for a core,
    all other threads wait for it. GNU OpenMP also counts one thread too many if the model does not run in the main
    thread, and then puts its threads to sleep after every operation: on two cores, answers take twice as long as with
    one thread.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
