"""How the node's process starts and ends where something is missing or too slow: exit codes, no tracebacks."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import rclpy
from rclpy.context import Context
from test_ros_process import NODE, ROOT, Process, answer, client, ros_arguments, start

from mdsm_ros.ros.node import MdsmNode, main
from mdsm_ros.ros.process.start import init_ros
from mdsm_ros.ros.process.vain_names import warn_of_vain_names

__all__ = ["client", "start"]  # fixtures
SOON = 2.0  # s of a processor that the end may take; the clock of a busy machine says more
STAND_IN = [sys.executable, str(ROOT / "scripts" / "fuzz_node.py"), "--stand-in"]
SLOW = """
import functools, sys, threading, time
import mdsm_ros.ros.node as node

def load(*_, **__):
    threading.Event().wait(60)

def compute(*_, **__):
    while True:
        sum(range(1000))

node.MdsmNode = functools.partial(node.MdsmNode, make_segmenter={load})
sys.exit(node.main())
"""


def cpu_seconds(process: Process) -> float:
    """What a process has used of a processor."""
    fields = Path(f"/proc/{process._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_end(process: Process, kind: signal.Signals) -> None:
    used, begin = cpu_seconds(process), time.monotonic()
    process.send(kind)
    while process._process.poll() is None:
        assert time.monotonic() - begin < SOON or cpu_seconds(process) - used < SOON, process.output()
        assert time.monotonic() - begin < 30, process.output()
        time.sleep(0.02)
    assert process.wait() == 0, process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("load", ["load", "compute"])
def test_a_signal_while_the_model_loads(start: Callable[..., Process], kind: signal.Signals, load: str) -> None:
    node = start([sys.executable, "-c", SLOW.format(load=load)])
    node.wait_for("loading model")
    check_end(node, kind)


def test_a_signal_at_any_moment_of_the_start(start: Callable[..., Process], untrained_weights: Path) -> None:
    for delay in (0.1, 0.6):
        node = start([*NODE, *ros_arguments(model=untrained_weights, device="cpu", instruction="'get the red cup'")])
        node.wait_for("loading model")
        time.sleep(delay)
        check_end(node, signal.SIGTERM)


def test_other_nodes_see_that_the_node_has_ended(start: Callable[..., Process], client: Any) -> None:
    node = start(STAND_IN)
    node.wait_for("active on")
    deadline = time.monotonic() + 30
    while "mdsm" not in client.get_node_names():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    check_end(node, signal.SIGTERM)
    deadline = time.monotonic() + 10  # the lease of a participant that does not say goodbye is longer
    while "mdsm" in client.get_node_names():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_a_home_the_node_answers(
    start: Callable[..., Process], client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROS_LOG_DIR", "ROS_HOME"):
        monkeypatch.delenv(name, raising=False)
    parameters = ros_arguments(image_reliability="reliable", instruction="cup", image_tranport="compressed")
    node = start([*STAND_IN, *parameters], HOME="/proc/nowhere")
    node.wait_for("active on")
    assert "no log files are written: " in node.output()
    assert "set ROS_LOG_DIR to a writable folder" in node.output()
    assert "did you mean 'image_transport'?" in node.output()
    answer(client, "image", "mdsm")
    check_end(node, signal.SIGINT)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"HOME": "/proc/nowhere"}, "/proc/nowhere/.ros"),
        ({"HOME": ""}, "HOME is not set"),
        ({}, "HOME is not set"),
        ({"HOME": "WRITABLE", "ROS_LOG_DIR": "/proc/nowhere"}, "/proc/nowhere"),
        ({"HOME": "WRITABLE", "ROS_HOME": "/proc/nowhere"}, "/proc/nowhere/log"),
        ({"HOME": "WRITABLE", "ROS_LOG_DIR": "/dev/null/log"}, "/dev/null/log"),
        ({"HOME": "WRITABLE"}, None),
        ({"ROS_LOG_DIR": "WRITABLE"}, None),
        ({"HOME": "/proc/nowhere", "ROS_HOME": "WRITABLE"}, None),
    ],
    ids=str,
)
def test_ros_starts_wherever_its_log_cannot_be_written(
    ros_domain: int,
    variables: dict[str, str],
    reason: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("HOME", "ROS_HOME", "ROS_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("WRITABLE", str(tmp_path)))
    context = Context()
    init_ros([], context)
    context.try_shutdown()
    log = capfd.readouterr().err
    assert ("no log files are written: " in log) is (reason is not None)
    assert (reason or "") in log


def test_names_without_effect_are_warned_about(
    ros_domain: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {
        "other": "mdsm_node:\n  ros__parameters:\n    seed: 1\n",
        "right": "left:\n  mdsm:\n    ros__parameters:\n      present_treshold: 0.9\n",
        "wild": "/**:\n  ros__parameters:\n    use_sim_time: false\n",
        "level": "/*/mdsm:\n  ros__parameters:\n    seed: 1\n",
    }
    arguments = ["--ros-args", "-p", "image_tranport:=compressed"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        arguments += ["--params-file", str(tmp_path / name)]
    rules = ["imge:=/camera/image", "image:=/camera/image", "~/maks:=/mask", "~/status:=/said", "__ns:=/left"]
    rules += ["/left/instruction:=/task", "other:imge:=/x", "mdsm:depht:=/x", "/rosout:=/log"]
    arguments += [part for rule in rules for part in ("-r", rule)]
    context = Context()
    rclpy.init(context=context)
    node = MdsmNode(context=context, cli_args=arguments, use_global_arguments=False)
    warn_of_vain_names(node, [*arguments, "--", "-r", "imge:=/no/ros/argument"], node.topic_names)
    node.destroy_node()
    context.try_shutdown()
    lines = capfd.readouterr().err.splitlines()
    nothing = "has no effect: this node has no"
    assert [line.split("]: ", 1)[1] for line in lines if "has no effect" in line] == [
        f"parameter 'image_tranport' {nothing} parameter of that name; did you mean 'image_transport'?",
        f"parameter 'present_treshold' {nothing} parameter of that name; did you mean 'present_threshold'?",
        f"parameter file {str(tmp_path / 'other')!r} has no effect: it is for /mdsm_node, expected /left/mdsm or /**",
        f"remapping 'imge:=/camera/image' {nothing} topic of that name; did you mean 'image'?",
        f"remapping '~/maks:=/mask' {nothing} topic of that name; did you mean '~/mask'?",
        f"remapping 'mdsm:depht:=/x' {nothing} topic of that name; did you mean 'depth'?",
    ]


@pytest.mark.parametrize(
    "arguments", [["-p", "nonsense"], ["--params-file", "/nowhere.yaml"], ["-r", ":="], ["--log-level", "loud"]]
)
def test_arguments_that_ros_does_not_take(
    ros_domain: int, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["mdsm_node", "--ros-args", *arguments]) == 1
    log = capfd.readouterr().err
    assert "mdsm: error: ROS cannot start: " in log
    assert "Traceback" not in log
