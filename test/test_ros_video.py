"""Parameter track_model over real DDS: a video model carries the masks while a slow model works."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from lifecycle_msgs.msg import Transition
from test_ros_node import CUP, Robot
from test_ros_tracking import Camera
from test_video_tracking import red
from video_checkpoints import write_sam2_video

from mdsm_ros.dataset.metrics import iou

pytestmark = pytest.mark.ros


class RedCamera(Camera):
    """Shows a red target that jumps out of view after image 5."""

    def picture(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return red(40 + 4 * number if number < 6 else 500)


@pytest.fixture(scope="module")
def sees_red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sam2_video(tmp_path_factory.mktemp("red"), sees_red=True)


def test_a_video_model_carries_masks_until_the_target_is_gone_and_is_freed(ros_domain: int, sees_red: Path) -> None:
    robot = RedCamera(
        image_reliability="reliable", image_depth=50, track=True, track_model=str(sees_red), num_inference_steps=0
    )
    try:
        robot.start()
        robot.say_and_wait(CUP)
        for number in range(2):
            robot.film(number, tracked=False)
        assert robot.masks() == {}
        robot.answer(0)
        for number in range(2, 6):
            truth = robot.film(number, tracked=True)
            assert iou(robot.masks()[number], truth) > 0.75
            assert robot.tracked()[number]["age"] == pytest.approx(number / 15, abs=1e-3)
        robot.answer(1)  # the newest image when the model became free
        robot.film(6, tracked=False)
        robot.wait_for_values({"masks dropped: out of sight": "1", "images tracked": "4"})
        assert sorted(robot.tracked()) == [2, 3, 4, 5]
        model = weakref.ref(robot.node._video_model)
        assert robot.change_state(Transition.TRANSITION_DEACTIVATE)
        assert model() is not None
        robot.segmenter.turns.release(100)
        assert robot.change_state(Transition.TRANSITION_CLEANUP)
        robot.wait(lambda: gc.collect() >= 0 and model() is None)
    finally:
        robot.segmenter.turns.release(100)
        robot.close()


def test_a_video_model_that_cannot_be_loaded_or_run_is_an_error(
    ros_domain: int, sees_red: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = Robot(track=True, track_model=str(tmp_path))
    try:
        assert not robot.node.start()
        level, message, _ = robot.diagnosis()
        assert level == 2
        assert message.startswith(f"cannot load track_model '{tmp_path}' on device 'auto': {tmp_path}/config.json")
    finally:
        robot.close()
    robot = Robot(track_model=str(sees_red))
    try:
        assert robot.change_state(Transition.TRANSITION_CONFIGURE)
        assert robot.node._video_model is not None
        monkeypatch.setattr(robot.node._video_model.network, "forward", None)
        assert not robot.change_state(Transition.TRANSITION_ACTIVATE)
        assert robot.diagnosis()[1].startswith("track_model does not run: ")
        monkeypatch.undo()
    finally:
        robot.close()
