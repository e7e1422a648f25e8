"""The node's process ends with the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

COMMAND = """
import sys, time
from pathlib import Path
from mdsm_ros.demo.node_process import NodeProcess

node = NodeProcess(Path(sys.argv[1]), {}, {})
node.command = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
with node:
    time.sleep(600)
"""  # a process that sleeps in the node's place: whether the node ends at SIGTERM is test_ros_process.py's business


def test_sigterm_ends_the_node_as_well(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    with subprocess.Popen([sys.executable, "-c", COMMAND, str(log)]) as command:
        try:
            deadline = time.monotonic() + 60
            while not (log.exists() and log.read_text().endswith("\n")):
                assert command.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            command.send_signal(signal.SIGTERM)
            assert command.wait(30) == 128 + signal.SIGTERM
        finally:
            command.kill()
    node = int(log.read_text())
    try:
        os.kill(node, 0)
    except ProcessLookupError:
        return
    os.kill(node, signal.SIGKILL)
    raise AssertionError(f"the node, process {node}, was left running")
