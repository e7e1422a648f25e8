from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from mdsm_ros.errors import ParameterError
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.ros.interface.idle_parameters import idle_parameters
from mdsm_ros.ros.interface.parameters import MODEL_DEFAULT, Parameters, declare_parameters, parameters_yaml


def test_the_yaml_holds_the_defaults() -> None:
    values = yaml.safe_load(parameters_yaml())["/**"]["ros__parameters"]
    assert Parameters(**values) == Parameters()
    assert {name: type(value) for name, value in values.items()} == {
        parameter.name: list if parameter.name == "cameras" else type(parameter.default)
        for parameter in fields(Parameters)
    }


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("num_inference_steps", -2, "parameter num_inference_steps is -2, expected 0 to 100, or -1 for the model's"),
        ("mask_threshold", -0.1, "parameter mask_threshold is -0.1, expected 0.0 to 1.0"),
        ("present_threshold", float("nan"), "parameter present_threshold is nan, expected 0.0 to 1.0"),
        ("seed", -1, "parameter seed is -1, expected 0 to 2147483647"),
        ("image_depth", 0, "parameter image_depth is 0, expected 1 to 100"),
        ("image_transport", "theora", "parameter image_transport is 'theora', expected raw or compressed"),
        ("image_reliability", "", "parameter image_reliability is '', expected best_effort or reliable"),
        ("instruction", "   ", "parameter instruction is refused: "),
        ("gripper_width", 0.0, "parameter gripper_width is 0.0, expected 0.005 to 0.5"),
        ("transform_timeout", -1.0, "parameter transform_timeout is -1.0, expected 0.0 to 10.0"),
        ("target_frame", "/base_link", "parameter target_frame is '/base_link', expected the name of a frame"),
        ("cameras", ["front", "rear/left"], "parameter cameras is ['front', 'rear/left'], expected names of letters, "),
        ("cameras", ["1st"], "parameter cameras is ['1st'], expected names of letters, digits and single underscores"),
        ("cameras", ["a", "b", "a"], "parameter cameras is ['a', 'b', 'a'], expected each name once, not 'a' again"),
        ("target_frame", "base link", "parameter target_frame is 'base link', expected the name of a frame"),
    ],
)
def test_values_out_of_range(name: str, value: Any, reason: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters().updated({name: value})
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_inference_steps", 0),
        ("num_inference_steps", MODEL_DEFAULT),
        ("mask_threshold", 1.0),
        ("mask_threshold", float(MODEL_DEFAULT)),
        ("instruction", ""),
        ("instruction", "get the cup"),
        ("target_frame", "base_link"),
        ("cameras", ("front", "rear_left2")),
        ("cameras", ()),
    ],
)
def test_values_in_range(name: str, value: Any) -> None:
    assert getattr(Parameters().updated({name: value}), name) == value


def test_foreign_parameters_are_passed_over() -> None:
    assert Parameters().updated({"use_sim_time": True}) == Parameters()


STAGE, NO_STEPS, NO_DEPTH = "the model has one stage", "there are 0 refinement steps", "parameter depth is false"


@pytest.mark.parametrize(
    ("values", "refines", "reasons"),
    [
        ({}, False, {}),
        ({"num_inference_steps": 4, "num_samples": 3, "warm_start": True, "latency_budget": 1.0, "seed": 2}, True, {}),
        ({"num_inference_steps": 4, "num_samples": 3}, False, {"num_inference_steps": STAGE, "num_samples": STAGE}),
        ({"latency_budget": 1.0, "warm_start": True}, False, {"latency_budget": STAGE, "warm_start": STAGE}),
        ({"num_inference_steps": 0}, False, {}),
        ({"num_inference_steps": 0, "seed": 3}, True, {"seed": NO_STEPS}),
        ({"target_frame": "map"}, True, {"target_frame": NO_DEPTH}),
        ({"gripper_width": 0.1, "rectified": "yes"}, True, {"gripper_width": NO_DEPTH, "rectified": NO_DEPTH}),
        ({"depth": True, "target_frame": "map", "transform_timeout": 1.0, "depth_tolerance": 1.0}, True, {}),
        ({"depth": True, "transform_timeout": 1.0}, True, {"transform_timeout": "parameter target_frame is empty"}),
        ({"ask_margin": 0.5, "relations": True}, True, {"ask_margin": "parameter ask is false"}),
        ({"hard_frames_megabytes": 5}, True, {"hard_frames_megabytes": "parameter keep_hard_frames is empty"}),
    ],
)
def test_what_has_no_effect(values: dict[str, Any], refines: bool, reasons: dict[str, str]) -> None:
    model = InferenceSettings(num_inference_steps=2 if refines else 0)
    assert idle_parameters(Parameters(**values), model, refines=refines, finds_objects=False) == reasons


def test_one_object_has_no_effect_on_a_model_that_finds_objects() -> None:
    def idle(*, finds_objects: bool, **values: Any) -> dict[str, str]:
        return idle_parameters(Parameters(**values), InferenceSettings(), refines=True, finds_objects=finds_objects)

    assert idle(one_object=False, finds_objects=True) == {"one_object": "the model finds single objects itself"}
    assert idle(one_object=False, finds_objects=False) == idle(finds_objects=True) == {}


@pytest.mark.ros
@pytest.mark.parametrize(
    ("cameras", "names"), [('cameras: [""]', ()), ("cameras: []", ()), ("cameras: [front, rear]", ("front", "rear"))]
)
def test_declaration_describes_every_parameter(
    ros_domain: int, tmp_path: Path, cameras: str, names: tuple[str, ...]
) -> None:
    rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    given = tmp_path / "given.yaml"
    text = parameters_yaml().replace("seed: 0", "seed: 7").replace('cameras: [""]', cameras)
    given.write_text(text, encoding="utf-8")
    context = rclpy.context.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("declares", context=context, cli_args=["--ros-args", "--params-file", str(given)])
    try:
        assert declare_parameters(node) == Parameters().updated({"seed": 7, "cameras": names})
        for parameter in fields(Parameters):
            descriptor = node.describe_parameter(parameter.name)
            assert descriptor.description
            assert descriptor.read_only == parameter.metadata["read_only"]
            ranged = bool(descriptor.integer_range or descriptor.floating_point_range)
            assert ranged == (parameter.metadata["minimum"] is not None)
        threshold = node.describe_parameter("mask_threshold").floating_point_range[0]
        assert (threshold.from_value, threshold.to_value) == (-1.0, 1.0)
    finally:
        node.destroy_node()
        context.try_shutdown()
