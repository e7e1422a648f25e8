"""Memory that the process of a node keeps: measured in a process of its own, since it cannot be undone."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, threading
import numpy as np
from mdsm_ros.ros.process.memory import keep_freed_memory

def fill():
    for _ in range(10):
        mask = np.zeros((2160, 3840), np.uint8)
        copies = [mask + 1 for _ in range(3)]  # 8 MB each

def faults():
    fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fill()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "kept":
    keep_freed_memory()
thread = threading.Thread(target=faults)  # the model has one, too
thread.start()
thread.join()
"""


def faults(how: str) -> int:
    """Pages that the system handed out for a second round of the same work."""
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, timeout=120, check=True)
    return int(done.stdout)


@pytest.mark.slow
def test_the_memory_of_an_image_serves_the_next_one() -> None:
    if sys.platform != "linux":
        pytest.skip("only glibc keeps memory")
    given_back, kept = faults("given back"), faults("kept")
    assert kept < 100
    assert given_back > 10 * max(kept, 1)
