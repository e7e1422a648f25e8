"""Processes that share work."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

SCRIPT = """
import os, sys, time
from training.workers import WorkerPool

def work(number):
    time.sleep(0.01 if number == 0 else 600)
    return os.getpid()

if __name__ == "__main__":
    pool = WorkerPool(2)
    futures = [pool.submit(work, number) for number in range(6)]
    print(futures[0].result(), flush=True)
    futures[-1].result()
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_process_that_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    with subprocess.Popen([sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        workers = psutil.Process(process.pid).children(recursive=True)
        assert len(workers) >= 2
        process.send_signal(how)
    _, alive = psutil.wait_procs(workers, timeout=30)
    for worker in alive:
        worker.kill()
    assert not alive
