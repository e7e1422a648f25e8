"""The demo from one end to the other: the real node as its own process, over DDS, with untrained weights."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mdsm_ros.commands.main import main
from mdsm_ros.demo.bag_writer import Shot, write_recording
from mdsm_ros.geometry import Camera
from mdsm_ros.recordings.exchange import Frame

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from mdsm_ros.ros.conversions import numpy_to_image

pytestmark = pytest.mark.ros

INSTRUCTIONS = ["get the red cup", "get the cup on the table"]


def test_a_recording_is_replayed_answered_and_reported(
    ros_domain: int, untrained_weights: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((120, 160), bool)
    truth[30:60, 40:90] = True
    camera = Camera(fx=100.0, fy=100.0, cx=80.0, cy=60.0)
    shots = [
        Shot(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8), truth, camera, INSTRUCTIONS[i // 8])
        for i in range(16)
    ]
    write_recording(tmp_path / "bag", shots, rate=1.0, start=1_700_000_000 * 10**9)
    out = tmp_path / "out"
    command = [
        "demo",
        "--bag",
        str(tmp_path / "bag"),
        "--model",
        str(untrained_weights),
        "--device",
        "cpu",
        "--steps",
        "1",
    ]
    assert main([*command, "--out", str(out)]) == 0, (out / "table.md").read_text(encoding="utf-8")
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["faults"] == []
    assert results["frames"] == 16
    assert [row["instruction"] for row in results["rows"]] == INSTRUCTIONS
    for row in results["rows"]:
        assert row["answers"] >= 1
        assert row["in_view"] == row["judged"] >= 1
        assert len(row["iou"]["refined"]) == row["judged"]
    for number in (1, 2):
        assert Image.open(out / f"overlay_{number:02d}.png").size == (160, 120)


def test_a_video_is_replayed_with_the_time_of_its_frames(
    ros_domain: int, untrained_weights: Path, tmp_path: Path
) -> None:
    av = pytest.importorskip("av")
    video = tmp_path / "video.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mpeg4", rate=2)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(16):
            picture = np.full((240, 320, 3), 10 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    out = tmp_path / "out"
    command = ["demo", "--video", str(video), "--model", str(untrained_weights), "--device", "cpu", "--steps", "1"]
    for instruction in INSTRUCTIONS:
        command += ["--instruction", instruction]
    assert main([*command, "--out", str(out)]) == 0, (out / "table.md").read_text(encoding="utf-8")
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["faults"] == []
    assert all(row["answers"] >= 1 and row["judged"] == 0 for row in results["rows"])


def test_the_overlay_of_the_last_image_is_waited_for() -> None:
    from mdsm_ros.ros.players.demo_player import DemoPlayer

    source: Any = None
    player, picture = DemoPlayer(source), np.zeros((2, 3, 3), np.uint8)
    player._frames[5] = Frame(5, "camera", 0)
    player._on_mask("final", numpy_to_image(picture[..., 0], "mono8", Header(stamp=Time(nanosec=5))))
    overlay = numpy_to_image(picture, "rgb8", Header(stamp=Time(nanosec=5)))
    threading.Timer(0.5, player._on_overlay, [overlay]).start()
    player.wait_for_last_answer(lambda: None, 10.0)
    assert list(player.replay().overlays) == [5]


def test_a_node_that_cannot_start_is_reported_with_its_last_words(
    ros_domain: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (tmp_path / "no_weights").mkdir()
    assert main(["demo", "--model", str(tmp_path / "no_weights"), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "the node ended with exit code" in error
    assert "no_weights" in error
