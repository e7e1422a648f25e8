"""The recording that ``mdsm-data demo-bag`` makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="rendering homes needs MuJoCo")

from mdsm_ros.demo.bag_writer import CAMERA_INFO_TOPIC, DEPTH_TOPIC
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.cameras.info import camera_of
from mdsm_ros.recordings.images.depth import depth_to_metres
from mdsm_ros.replay.frames import FrameReader, choose_topics
from training.cli import main

pytestmark = pytest.mark.render


def test_a_recording_of_any_length_with_depth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bag"
    options = ["--seconds", "12", "--rate", "1", "--size", "96x72", "--depth"]
    assert main(["demo-bag", "--out", str(out), *options]) == 0
    with Bag(out) as bag:
        frames = list(FrameReader(bag, choose_topics(bag)).frames())
        depths = [bag.decode(message) for message in bag.messages([DEPTH_TOPIC])]
        infos = [bag.decode(message) for message in bag.messages([CAMERA_INFO_TOPIC])]
    assert len(frames) == len(depths) == len(infos) == 12
    assert len({frame.instruction for frame in frames}) == 3  # another one every five seconds
    for frame, depth, info in zip(frames, depths, infos, strict=True):
        assert frame.truth is not None
        assert frame.truth.shape == (72, 96)
        assert depth.encoding == "16UC1"
        assert (depth.header.stamp, depth.header.frame_id) == (info.header.stamp, info.header.frame_id)
        metres = depth_to_metres(depth)
        assert 0.2 < np.nanmedian(metres) < 10
        camera = camera_of(info, 96, 72)
        assert (camera.cx, camera.cy) == (48, 36)  # the middle of the image, in ROS the corner of four pixels
        assert (info.k[2], info.k[5]) == (47.5, 35.5)
    assert main(["demo-bag", "--out", str(out)]) == 2
    assert "exists, expected a new folder" in capsys.readouterr().err


def test_a_target_that_leaves_the_view_and_returns(tmp_path: Path) -> None:
    out = tmp_path / "bag"
    options = ["--seconds", "5", "--rate", "2", "--size", "64x48", "--motion", "turn", "--library", "none"]
    assert main(["demo-bag", "--out", str(out), *options]) == 0
    with Bag(out) as bag:
        frames = list(FrameReader(bag, choose_topics(bag)).frames())
    shown = [frame.truth is not None and bool(frame.truth.any()) for frame in frames]
    assert len(shown) == 10
    assert shown[0]
    assert not shown[5]  # turned away
    assert shown[9]
