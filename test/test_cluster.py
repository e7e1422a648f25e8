"""Work shared by Ray: the same bytes as in one process, also after the kill of a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from recordings import good_bag
from test_build import contents, plan

from mdsm_ros.commands.main import main
from mdsm_ros.errors import CommandError
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


SCRIPT = """
import os, sys, time
from functools import partial
from pathlib import Path
from training.datasets.build import build

root, hold = Path(sys.argv[1]), Path(sys.argv[2])

def make(writer, unit):
    make_unit(writer, unit)
    if unit == 5 and not hold.exists():
        hold.write_text(str(os.getpid()))  # the worker is killed now, in the middle of its unit
        time.sleep(600)

print(build(plan(root, make), 2, "local").images)
"""


@pytest.fixture
def killed_run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A build by two workers of Ray, one of which waits to be killed."""
    pytest.importorskip("ray", reason="needs the extra [cluster]")
    (tmp_path / "build_by_ray.py").write_text(SCRIPT)
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parent), str(here)])
    process = subprocess.Popen(
        [sys.executable, tmp_path / "build_by_ray.py", tmp_path / "ray", tmp_path / "hold"],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    children = psutil.Process(process.pid)
    yield process
    left = children.children(recursive=True) if process.poll() is None else []
    process.kill()
    for child in left:
        child.kill()


@pytest.mark.slow
def test_a_worker_of_ray_is_killed_and_the_data_are_the_same(killed_run: subprocess.Popen[str], tmp_path: Path) -> None:
    whole = build(plan(tmp_path / "whole"), 1)
    hold, deadline = tmp_path / "hold", time.monotonic() + 300
    while not (hold.exists() and hold.read_text()):
        assert killed_run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(int(hold.read_text()), signal.SIGKILL)
    output, _ = killed_run.communicate(timeout=300)
    assert killed_run.returncode == 0
    assert int(output.split()[-1]) == whole.images
    assert contents(tmp_path / "ray") == contents(tmp_path / "whole")


TIMES = ("seconds", "latency")


def answers(folder: Path) -> list[dict[str, Any]]:
    """The answers of a replay, without the times that they took."""
    return [
        {k: v for k, v in vars(answer).items() if k != "seconds"} for answer in read_answers(folder / "frames.jsonl")
    ]


@pytest.mark.slow
def test_many_recordings_give_the_answers_of_one_process_and_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="needs the extra [cluster]")
    bags = [good_bag(tmp_path / name) for name in ("walk", "turn")]
    (tmp_path / "broken.mcap").write_bytes(b"no recording")
    options = ["--model", "mdsm-small", "--steps", "0", "--no-bag"]
    for bag in bags:
        assert main(["replay", str(bag), "--out", str(tmp_path / "one" / bag.stem), *options]) == 0
    shared = ["replays", *map(str, bags), str(tmp_path / "broken.mcap"), "--out", str(tmp_path / "shared"), *options]
    assert cli.main([*shared, "--workers", "2", "--cluster", "local"]) == 1
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
