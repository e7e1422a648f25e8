"""A recording through DDS into the node: what is heard, how it is put together, and what a restart does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import CUP, RADIO, SHAPE, Recorder, Reds, good_bag, mask

from mdsm_ros.commands.main import main
from mdsm_ros.dataset.metrics import iou
from mdsm_ros.errors import DemoError, ReplayError
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.node_log import AHEAD, HeardByImage, HeardMask, HeardStatus
from mdsm_ros.recordings.rle import encode
from mdsm_ros.replay import run
from mdsm_ros.replay.answers import read_answers
from mdsm_ros.replay.frames import choose_topics
from mdsm_ros.replay.live import HEARD, LiveSource
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.run import ANSWERS, run_replay


def status(number: int, instruction: str = CUP, stage: str | None = "refined", error: str | None = None) -> HeardStatus:
    words = {"instruction": instruction, "stage": stage, "score": 0.8, "present": True, "error": error}
    return HeardStatus(number, words | {"timings": {"total": 0.2}}, 0.3)


class Model(Reds):
    def close(self) -> None:
        pass


def live(bag: Path, out: Path) -> None:
    model: Any = Model()
    assert run_replay(ReplayOptions(bag, out, live=True, rate=1.0), model) == 0


def test_what_is_heard_in_another_order_finds_its_image() -> None:
    masks = [HeardMask(number, "refined", encode(mask(number))) for number in (0, 2)]
    lines: list[HeardMask | HeardStatus] = [*masks, status(2), status(0)]
    heard = HeardByImage(iter(lines))
    assert [len(heard.take(number).statuses) for number in range(3)] == [1, 0, 1]


def test_an_hour_of_what_was_heard_is_not_read_at_once() -> None:
    read = 0

    def lines() -> Iterator[HeardStatus]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield status(number)

    heard = HeardByImage(lines())
    for number in range(1000):
        assert len(heard.take(number).statuses) == 1
        assert read <= number + AHEAD + 2


@pytest.mark.ros
def test_a_live_run_that_was_killed_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    bag, out, killed = good_bag(tmp_path / "bag"), tmp_path / "out", False

    def play(*_: Any) -> None:  # what the node says to images 1 to 3; a kill leaves half a line
        with (out / HEARD).open("w") as file:
            for number in (1, 2, 3):
                shown = 5 if killed else number
                file.write(json.dumps(asdict(HeardMask(number, "refined", encode(mask(shown))))) + "\n")
                file.write(json.dumps(asdict(status(number))) + "\n")
            if killed:
                file.write('{"number": 4, "st')
                file.flush()
                raise KeyboardInterrupt

    monkeypatch.setattr(run, "play", play)
    live(bag, out)
    whole = {name: (out / name).read_text() for name in (ANSWERS, "metrics.json")}
    assert json.loads(whole["metrics.json"])["stages"]["refined"]["mIoU"] == 1.0
    killed = True
    with pytest.raises(KeyboardInterrupt):
        live(bag, out)
    assert {path.name for path in out.iterdir()} == {HEARD, "replay.json"}  # no figures of another run
    killed = False
    live(bag, out)
    assert {name: (out / name).read_text() for name in whole} == whole
    assert "a live run always starts from the beginning" in capsys.readouterr().err


@pytest.mark.ros
def test_errors_of_the_node_and_superseded_images_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

    def play(*_: Any) -> None:
        said: list[HeardMask | HeardStatus] = [
            status(1, stage=None, error="image data is damaged (cut), expected complete JPEG or PNG"),
            HeardMask(3, "refined", encode(mask(3))),
            status(3),
            HeardMask(4, "refined", encode(mask(4))),
            status(4),  # still to the instruction before
        ]
        (tmp_path / "out" / HEARD).write_text("".join(json.dumps(asdict(line)) + "\n" for line in said))

    monkeypatch.setattr(run, "play", play)
    live(good_bag(tmp_path / "bag"), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["all"]["answered"] == 1
    assert metrics["faults"] == {
        "images unanswered: no instruction yet": 1,
        "images unanswered: image data cannot be used": 1,
        "images unanswered: a newer image came before the model was free": 3,
    }


@pytest.mark.ros
def test_live_and_offline_masks_are_the_same(tmp_path: Path, ros_domain: int) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    recorder = Recorder(tmp_path / "bag")
    rng = np.random.default_rng(0)
    recorder.say(CUP, 0.5)
    for number in range(16):
        if number == 8:
            recorder.say(RADIO, number + 0.5)
        recorder.tell(mask(number), number + 1.0, number + 1.0)
        recorder.show(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8), number + 1.0)
    command = ["replay", str(recorder.close()), "--device", "cpu", "--no-bag"]
    assert main([*command, "--out", str(tmp_path / "offline")]) == 0
    assert main([*command, "--out", str(tmp_path / "live"), "--live", "--rate", "2"]) == 0
    offline, live = (list(read_answers(tmp_path / name / ANSWERS)) for name in ("offline", "live"))
    assert [answer.stamp for answer in live] == [answer.stamp for answer in offline]
    answered = [(a, b) for a, b in zip(offline, live, strict=True) if b.fault is None]
    assert len(answered) >= 8
    last = max(b.number for _, b in answered if b.instruction == CUP)
    for a, b in answered:
        overtaken = b.number == last and set(b.masks) == {"initial"}  # the next instruction came while it was refined
        assert overtaken or set(b.masks) == {"initial", "refined"}
        same = [iou(a.mask(stage), b.mask(stage)) for stage in b.masks if a.mask(stage).any()]
        assert min(same, default=1.0) > 0.99  # another number of threads rounds otherwise
        assert b.counts.keys() == b.masks.keys()
        assert b.latency is not None
        assert b.latency > b.seconds["initial" if overtaken else "refined"] > 0
    metrics = json.loads((tmp_path / "live" / "metrics.json").read_text())
    assert metrics["settings"]["live"] == "at rate 2"
    assert metrics["all"]["answered"] == len(answered)
    assert metrics["all"]["latency p95 seconds"] >= metrics["all"]["latency p50 seconds"] > 0


@pytest.mark.ros
def test_a_node_that_a_killed_run_has_left_is_told(tmp_path: Path, ros_domain: int) -> None:
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from std_msgs.msg import String

    from mdsm_ros.ros.players.live_player import LivePlayer

    context = rclpy.context.Context()
    rclpy.init(context=context)
    stranger = rclpy.create_node("mdsm", context=context)
    stranger.create_publisher(String, "mdsm/status", 1)
    with (
        Bag(good_bag(tmp_path / "bag")) as bag,
        (tmp_path / HEARD).open("w") as heard,
        LivePlayer(LiveSource(bag, choose_topics(bag)), heard) as player,
    ):
        with pytest.raises(DemoError, match="another node publishes mdsm/status; end it, or choose another ROS_"):
            player.check_alone(20.0)
        stranger.destroy_node()
    context.try_shutdown()


def test_live_needs_instructions_in_the_recording(tmp_path: Path) -> None:
    arguments = ReplayOptions(good_bag(tmp_path / "bag"), tmp_path / "out", live=True, rate=1.0, instruction=CUP)
    model: Any = Reds()
    with pytest.raises(ReplayError, match="uses the instructions of the recording"):
        run_replay(arguments, model)
