"""The way in which PyTorch's threads wait. Imports no heavy library before a function is called."""

from __future__ import annotations

import os

WAIT_POLICY = "OMP_WAIT_POLICY"


def import_torch_for_one_answer() -> None:
    """Imports PyTorch so that its idle threads sleep; for commands that answer once.

    By default they spin between two operations, which answers a stream of images sooner. For a single answer, spinning
    takes more CPU time than the answer itself, and beside other processes it even delays the answer. OpenMP reads its
    setting when it is loaded, so the environment is restored afterwards. A policy that is already set is respected.
    """
    chosen = os.environ.get(WAIT_POLICY)
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
    try:
        import torch  # noqa: F401, for the effects of its import
    finally:
        if chosen is None:
            del os.environ[WAIT_POLICY]
