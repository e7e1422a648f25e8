"""How the threads of PyTorch wait. Imports nothing heavy before it is asked to."""

from __future__ import annotations

import os

WAIT_POLICY = "OMP_WAIT_POLICY"


def import_torch_for_one_answer() -> None:
    """Imports PyTorch so that its idle threads sleep; for commands that answer once.

    By default they spin between two operations, which answers a stream of images sooner. For a single answer that burns
    more CPU time than the answer itself, and beside other processes the answer even comes later. OpenMP reads its
    setting when it is loaded, so the environment is afterwards what it was; a policy that is set there is kept.
    """
    chosen = os.environ.get(WAIT_POLICY)
    os.environ.setdefault(WAIT_POLICY, "PASSIVE")
    try:
        import torch  # noqa: F401, for what its import does
    finally:
        if chosen is None:
            del os.environ[WAIT_POLICY]
