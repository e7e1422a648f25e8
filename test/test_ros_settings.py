"""Parameters that change while the node answers: a frame is answered by the settings it was begun with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from test_ros_node import CUP, TIMEOUT, Robot

from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.models.config import ModelConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.cameras.camera import Camera
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.interface.topics import TOPICS
from mdsm_ros.segmenter import Segmenter

OF_RCLPY = {"/rosout", "/parameter_events", "/mdsm/transition_event"}
CHANGED = {
    "num_inference_steps": 6,
    "latency_budget": 50.0,
    "warm_start": True,
    "track": True,
    "num_samples": 3,
    "mask_threshold": 0.9,
    "present_threshold": 0.7,
    "one_object": False,
    "seed": 5,
    "ask": True,
    "ask_margin": 0.5,
    "relations": True,
    "publish_initial": False,
    "gripper_width": 0.06,
}


class SlowModel(nn.Module):
    """Everything is the target with probability 0.6, in view with score 0.6; refinement waits for the test."""

    config = ModelConfig(image_size=32, num_inference_steps=4)
    compute_parts: tuple[nn.Module, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.refinements: list[tuple[int, int, int, bool]] = []  # steps, samples, seed, whether warm
        self.may_refine = threading.Event()
        self.may_refine.set()

    def encode_text(self, texts: Sequence[str]) -> None:
        return None

    def initial(self, images: torch.Tensor, text: None) -> InitialMask:
        logit = torch.tensor(0.6).logit()
        return InitialMask(logit.expand(1, 1, 8, 8), logit.expand(1))

    def refine(
        self,
        features: None,
        logits: torch.Tensor,
        steps: int,
        generator: torch.Generator,
        samples: int = 1,
        *,
        start: torch.Tensor | None = None,
        strength: float = 1.0,
        keep_on: Callable[[], bool] = lambda: True,
    ) -> torch.Tensor:
        self.refinements.append((steps, samples, generator.initial_seed(), start is not None))
        assert self.may_refine.wait(TIMEOUT)
        return logits.expand(1, samples, 8, 8)


class SlowRobot(Robot):
    """A robot whose node runs the real Segmenter with a slow model."""

    model: SlowModel

    def _make_segmenter(self, name: str, *, device: str, acceleration: str) -> Any:
        self.model = SlowModel()
        return Segmenter(self.model, name, "cpu")


def test_a_frame_is_answered_by_one_set_of_settings(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdsm_ros.inference.refinement.warm_start.WARM_SECONDS", 1e9)  # a busy machine is slow
    changeable = {parameter.name for parameter in fields(Parameters) if not parameter.metadata["read_only"]}
    assert set(CHANGED) == changeable - {"instruction"}, "a new parameter wants another value here"
    robot = SlowRobot(image_reliability="reliable", image_depth=50)
    try:
        robot.listen("mdsm/uncertainty", Image)
        robot.start()
        model = robot.model
        model.refinements.clear()  # of warming up
        model.may_refine.clear()
        robot.say_and_wait(CUP)
        robot.show(1)
        robot.wait(lambda: model.refinements and robot.statuses() and robot.stamps("initial_mask"))
        changes = [Parameter(name, value=value) for name, value in CHANGED.items()]
        assert all(result.successful for result in robot.node.set_parameters(changes))
        model.may_refine.set()
        robot.wait(lambda: len(robot.stamps("mask")) == 2 and len(robot.statuses()) == 3)
        assert model.refinements == [(4, 1, 0, False), (6, 3, 5, False)]
        stages = [(status["stage"], status["present"]) for status in robot.statuses()]
        assert stages == [("initial", True), ("refined", True), ("refined", False)]
        assert robot.stamps("initial_mask") == [1]
        before, after = (image_to_numpy(message) for message in robot.received["mdsm/mask"])
        assert np.all(before == 255)
        assert np.all(after == 0)
        robot.show(2)
        robot.wait(lambda: 2 in robot.stamps("mask"))
        assert model.refinements[-1] == (3, 3, 5, True)  # half the steps: this one starts from the mask before
        robot.wait(lambda: 2 in robot.stamps("uncertainty"))
    finally:
        robot.model.may_refine.set()
        robot.close()


def test_parameters_may_change_while_the_node_is_configured(ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> None:
    robot = Robot(cameras=["front", "rear"])
    configure, results = Camera.configure, list[Any]()

    def configure_late(camera: Camera, segmenter: Segmenter) -> None:
        client = threading.Thread(target=lambda: results.extend(robot.node.set_parameters(changes)))
        changes = [Parameter("instruction", value=f"get the cup to the {camera.name}"), Parameter("ask", value=True)]
        client.start()
        client.join(0.2)
        configure(camera, segmenter)

    monkeypatch.setattr(Camera, "configure", configure_late)
    try:
        assert robot.node.start()
        robot.wait(lambda: len(results) == 4)
        assert all(result.successful for result in results), results
        instruction = robot.node.get_parameter("instruction").value
        assert {camera.instruction for camera in robot.node.cameras} == {instruction}
    finally:
        robot.close()


def test_the_node_has_the_topics_of_the_table(ros_domain: int) -> None:
    found: dict[str, set[tuple[str, str]]] = {"in": set(), "out": set()}
    for image, depth in (("raw", "raw"), ("compressed", "compressed"), ("raw", "compressedDepth")):
        robot = Robot(image_transport=image, depth=True, depth_transport=depth)
        try:
            assert robot.node.start()
            graph = {"in": robot.node.subscriptions, "out": robot.node.publishers}
            for direction, ends in graph.items():
                kinds = {
                    (end.topic_name, f"{end.msg_type.__module__.split('.')[0]}/{end.msg_type.__name__}") for end in ends
                }
                found[direction] |= {(name, kind) for name, kind in kinds if name not in OF_RCLPY}
        finally:
            robot.close()
    for direction, topics in found.items():
        wanted = {
            (topic.name, topic.message) for topic in TOPICS if topic.direction == direction and topic.message_type()
        }
        resolved = {(f"/{name.replace('~', 'mdsm')}".replace("//", "/"), kind) for name, kind in wanted}
        assert topics == resolved


def test_the_node_warms_up_with_its_own_settings(ros_domain: int) -> None:
    robot = SlowRobot(num_samples=2, num_inference_steps=3, seed=9)
    try:
        assert robot.node.start()
        assert robot.model.refinements == [(3, 2, 9, False)] * 2
    finally:
        robot.close()


def test_parameters_without_effect_are_logged_and_reported(ros_domain: int, capfd: pytest.CaptureFixture[str]) -> None:
    robot = Robot(warm_start=True, num_inference_steps=0)
    try:
        assert robot.node.start()
        assert robot.node.set_parameters([Parameter("gripper_width", value=0.06)])[0].successful
        values = robot.diagnosis()[2]
        assert values["no effect: parameter warm_start"] == "there are 0 refinement steps"
        assert values["no effect: parameter gripper_width"] == "parameter depth is false"
        assert robot.node.set_parameters([Parameter("num_inference_steps", value=1)])[0].successful
        assert "no effect: parameter warm_start" not in robot.diagnosis()[2]
        logged = capfd.readouterr().err
        assert logged.count("parameter warm_start has no effect: there are 0 refinement steps") == 1
        assert logged.count("parameter gripper_width has no effect: parameter depth is false") == 1
    finally:
        robot.close()


@pytest.mark.parametrize("extreme", ["minimum", "maximum"])
def test_every_parameter_of_an_answer_lies_within_what_the_settings_allow(extreme: str) -> None:
    names = {setting.name for setting in fields(InferenceSettings)}
    ours = {parameter.name: parameter for parameter in fields(Parameters) if parameter.name in names}
    assert ours.keys() == names
    limits = {name: parameter.metadata[extreme] for name, parameter in ours.items()}
    InferenceSettings().updated(**limits)
