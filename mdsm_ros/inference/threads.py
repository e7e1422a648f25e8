"""How many CPU threads a model has, and how they wait. Imports no heavy library before a function is called."""

from __future__ import annotations

import os

from mdsm_ros.extras import is_installed

WAIT_POLICY = "OMP_WAIT_POLICY"
NUMBER = "OMP_NUM_THREADS"
_cores = {"left to others": 0}  # like PyTorch's own number of threads, it holds for the process


def leave_a_core() -> None:
    """Limits models in this process to one CPU thread less than there are cores, unless OMP_NUM_THREADS is set.

    For processes that do other work beside the model, such as the node. If one thread of the model waits for a core,
    all other threads wait for it. GNU OpenMP also counts one thread too many if the model does not run in the main
    thread, and then puts its threads to sleep after every operation: on two cores, answers take twice as long as with
    one thread.
    """
    if NUMBER in os.environ:
        return
    _cores["left to others"] = 1
    if is_installed("torch"):
        import torch

        torch.set_num_threads(max(1, torch.get_num_threads() - 1))


def thread_count() -> int:
    """Number of CPU threads for a model that PyTorch does not run: OMP_NUM_THREADS, else one for each usable core."""
    wanted = os.environ.get(NUMBER, "").split(",")[0]
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return max(1, len(os.sched_getaffinity(0)) - _cores["left to others"])


def import_torch_for_one_answer() -> None:
    """Imports PyTorch so that its idle threads sleep; for commands that answer once.

    By default they spin between two operations, which answers a stream of images sooner. For a single answer, spinning
    takes more CPU time than the answer itself, and beside other processes it even delays the answer. OpenMP reads its
    setting when it is loaded, so the environment is restored afterwards. A policy that is already set is respected.
    Without PyTorch there is nothing to do.
    """
    if not is_installed("torch"):
        return
    chosen = os.environ.get(WAIT_POLICY)
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
    try:
        import torch  # noqa: F401, for the effects of its import
    finally:
        if chosen is None:
            del os.environ[WAIT_POLICY]
