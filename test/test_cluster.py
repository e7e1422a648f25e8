"""Work shared by Ray: the same bytes as in one process, also after the kill of a worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from recordings import good_bag
from test_build import contents, make_unit, plan

from mdsm_ros.commands.main import main
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import CommandError
from mdsm_ros.files import write_text
from mdsm_ros.replay.answers import read_answers
from training import cli, cluster
from training.datasets.build import build
from training.evaluation.replays import folders


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    bags = [tmp_path / "a/walk", tmp_path / "b/walk"]
    with pytest.raises(CommandError, match=r"walk' does not exist"):
        folders(bags, tmp_path / "out")
    for bag in bags:
        bag.mkdir(parents=True)
    with pytest.raises(CommandError, match="several recordings would be replayed into"):
        folders(bags, tmp_path / "out")


def test_a_cluster_that_is_not_there_is_named() -> None:
    pytest.importorskip("ray", reason="needs the extra [cluster]")
    with pytest.raises(CommandError, match=r"--cluster is 'nowhere', expected a running Ray cluster"):
        cluster.RayPool("nowhere", 2)


def free_ports(number: int) -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [found.getsockname()[1] for found in sockets]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster with two workers, as ``ray start`` makes one, ended with all its processes; or a running one."""
    pytest.importorskip("ray", reason="needs the extra [cluster]")
    if "RAY_ADDRESS" in os.environ:
        yield os.environ["RAY_ADDRESS"]
        return
    own, *ports = free_ports(5)  # Ray waits 15 seconds for ports that it chooses itself, too short on a busy machine
    names = (
        "dashboard-agent-listen-port",
        "dashboard-agent-grpc-port",
        "runtime-env-agent-port",
        "metrics-export-port",
    )
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2"]
    command += ["--node-ip-address=127.0.0.1", f"--port={own}", "--include-dashboard=false", "--disable-usage-stats"]
    command += [f"--{name}={port}" for name, port in zip(names, ports, strict=True)]
    # sockets have short names only, so not in the folder of the tests
    with tempfile.TemporaryDirectory(prefix="ray") as folder, (Path(folder) / "log").open("w+") as log:
        paths = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
        environment = os.environ | cluster.SETTINGS | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        environment |= {"RAY_worker_niceness": "0"}
        environment |= {"RAY_memory_monitor_refresh_ms": "0"}  # other processes of the machine may fill its memory
        process = subprocess.Popen([*command, f"--temp-dir={folder}"], env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 300
        while "Ray runtime started" not in Path(log.name).read_text():
            assert process.poll() is None, Path(log.name).read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        children = psutil.Process(process.pid).children(recursive=True)
        yield f"127.0.0.1:{own}"
        children += psutil.Process(process.pid).children(recursive=True)
        ending: list[Any] = [process, *children]
        for ended in ending:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                ended.kill()
        process.wait()
        psutil.wait_procs(children, timeout=30)


@pytest.mark.slow
def test_a_worker_of_ray_is_killed_and_the_data_are_the_same(address: str, tmp_path: Path) -> None:
    whole = build(plan(tmp_path / "whole"), 1)
    hold, killed = tmp_path / "hold", []

    def make(writer: DatasetWriter, unit: int) -> None:
        make_unit(writer, unit)
        if unit == 5 and not hold.exists():
            write_text(hold, str(os.getpid()))
            time.sleep(600)  # the worker is killed here, in the middle of its unit

    def kill() -> None:
        while not hold.exists():
            time.sleep(0.1)
        killed.append(int(hold.read_text()))
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    outcome = build(plan(tmp_path / "ray", make), 2, address)
    assert len(killed) == 1
    assert killed[0] != os.getpid()
    assert outcome.images == whole.images
    assert contents(tmp_path / "ray") == contents(tmp_path / "whole")


TIMES = ("seconds", "latency")


def answers(folder: Path) -> list[dict[str, Any]]:
    """The answers of a replay, without the times that they took."""
    return [
        {k: v for k, v in vars(answer).items() if k != "seconds"} for answer in read_answers(folder / "frames.jsonl")
    ]


@pytest.mark.slow
def test_many_recordings_give_the_answers_of_one_process_and_resume(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bags = [good_bag(tmp_path / name) for name in ("walk", "turn")]
    (tmp_path / "broken.mcap").write_bytes(b"no recording")
    options = ["--model", "mdsm-small", "--steps", "0", "--no-bag"]
    for bag in bags:
        assert main(["replay", str(bag), "--out", str(tmp_path / "one" / bag.stem), *options]) == 0
    shared = ["replays", *map(str, bags), str(tmp_path / "broken.mcap"), "--out", str(tmp_path / "shared"), *options]
    assert cli.main([*shared, "--cluster", address]) == 1
    assert "broken.mcap" in capsys.readouterr().err
    for bag in bags:
        assert answers(tmp_path / "shared" / bag.stem) == answers(tmp_path / "one" / bag.stem)
    summary = json.loads((tmp_path / "shared/replays.json").read_text())
    assert sorted(summary["recordings"]) == ["turn", "walk"]
    done = (tmp_path / "shared/walk/done.json").stat().st_mtime_ns
    assert cli.main([*shared[:3], *shared[4:], "--workers", "2"]) == 0  # by processes: finished ones are left alone
    assert (tmp_path / "shared/walk/done.json").stat().st_mtime_ns == done
    assert cli.main([*shared[:3], *shared[4:-1], "--workers", "1"]) == 1
    assert "choose another --out" in capsys.readouterr().err
