"""The node's process ends with the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = """
import sys, time
from pathlib import Path
from mdsm_ros.ros.node_process import NodeProcess

node = NodeProcess(Path(sys.argv[1]), {}, {})
node.command = [sys.executable, "-c", sys.argv[2]]
with node:
    time.sleep(600)
"""
# what sleeps in the node's place: whether the node ends at SIGTERM is test_ros_process.py's business
SLEEPS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
HANGS = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: print('told', flush=True))\n"
    "print(os.getpid(), flush=True)\n"
    "while True: time.sleep(600)"
)


def wait_for_lines(log: Path, count: int, command: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or log.read_text().count("\n") < count:
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("node", "signals"), [(SLEEPS, 1), (HANGS, 2)])
def test_sigterm_ends_the_node_as_well(node: str, signals: int, tmp_path: Path) -> None:
    """At once; where the node hangs, a second signal ends the 15 seconds that it has."""
    log = tmp_path / "node.log"
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(log), node]) as command:
        try:
            for lines in range(1, signals + 1):
                wait_for_lines(log, lines, command)
                command.send_signal(signal.SIGTERM)
            assert command.wait(10) == 128 + signal.SIGTERM
        finally:
            command.kill()
    assert_ended(int(log.read_text().split()[0]))


def assert_ended(node: int) -> None:
    try:
        os.kill(node, 0)
    except ProcessLookupError:
        return
    os.kill(node, signal.SIGKILL)
    raise AssertionError(f"the node, process {node}, was left running")
