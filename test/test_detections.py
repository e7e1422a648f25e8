"""Boxes for nodes that want them; vision_msgs is on no package index: where absent, its definitions stand in."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from table_scene import described

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.instances import Instance
from mdsm_ros.ros.detections import detections_of, label_info_of
from mdsm_ros.ros.interface.topics import OUTPUTS

DETECTIONS, DETECTIONS_3D, LABEL_INFO = (
    next(topic for topic in OUTPUTS if topic.short_name == name)
    for name in ("detections", "detections_3d", "label_info")
)
INSTALLED = find_spec("vision_msgs") is not None
FIELDS = {  # of vision_msgs 4 (Humble to Kilted)
    "Detection2DArray": ("header", "detections"),
    "Detection2D": ("header", "results", "bbox", "id"),
    "BoundingBox2D": ("center", "size_x", "size_y"),
    "Pose2D": ("position", "theta"),
    "Point2D": ("x", "y"),
    "ObjectHypothesisWithPose": ("hypothesis", "pose"),
    "ObjectHypothesis": ("class_id", "score"),
    "Detection3DArray": ("header", "detections"),
    "Detection3D": ("header", "results", "bbox", "id"),
    "BoundingBox3D": ("center", "size"),
    "LabelInfo": ("header", "class_map", "threshold"),
    "VisionClass": ("class_id", "class_name"),
}


def message_class(name: str, fields: tuple[str, ...]) -> type:
    def init(self: Any, **values: Any) -> None:
        assert set(values) <= set(fields), f"{name} has no field {set(values) - set(fields)}"
        self.__dict__.update({field: [] for field in fields} | values)

    return type(name, (SimpleNamespace,), {"__init__": init})


@pytest.fixture(autouse=True)
def vision_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    if not INSTALLED:
        messages = ModuleType("vision_msgs.msg")
        for name, fields in FIELDS.items():
            setattr(messages, name, message_class(name, fields))
        monkeypatch.setitem(sys.modules, "vision_msgs", ModuleType("vision_msgs"))
        monkeypatch.setitem(sys.modules, "vision_msgs.msg", messages)


def answer(mask: np.ndarray, **others: Any) -> Segmentation:
    return Segmentation(
        mask, mask.astype(np.float32), None, 0.75, bool(mask.any()), "refined", {"total": 0.1}, **others
    )


def header() -> Any:
    if not INSTALLED:
        return "the header of the image"
    from std_msgs.msg import Header

    return Header(frame_id="camera")


def test_the_box_around_the_mask_names_the_instruction() -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[10:20, 30:36] = True
    mask[12, 40] = True
    message: Any = detections_of(answer(mask), "get the cup", header())
    (detection,) = message.detections
    assert message.header == detection.header == header()
    center = detection.bbox.center
    assert (center.position.x, center.position.y, center.theta) == (35.5, 15.0, 0.0)
    assert (detection.bbox.size_x, detection.bbox.size_y) == (11.0, 10.0)
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ("get the cup", 0.75)
    assert isinstance(message, DETECTIONS.message_type() or ())


def test_each_of_several_objects_has_its_box_and_its_class() -> None:
    mask = np.zeros((48, 64), dtype=bool)
    mask[10:20, 30:36] = mask[5:10, 5:15] = True
    both = answer(mask, several=True)
    message: Any = detections_of(both, "get the cups", header())
    assert [(d.id, d.bbox.size_x, d.bbox.size_y) for d in message.detections] == [("1", 10.0, 5.0), ("2", 6.0, 10.0)]
    labels: Any = label_info_of(both, "get the cups", header())
    assert labels.header == header()
    assert [(c.class_id, c.class_name) for c in labels.class_map] == [
        (0, "background"), (1, "get the cups"), (2, "get the cups")
    ]  # fmt: skip
    assert isinstance(labels, LABEL_INFO.message_type() or ())


def test_a_model_that_finds_objects_by_name_names_their_classes() -> None:
    cup, plate = np.zeros((2, 48, 64), dtype=bool)
    cup[10:20, 30:36] = plate[5:10, 5:15] = True
    found = Instance(cup, 0.9, "cup"), Instance(plate, 0.8, "plate")
    message: Any = label_info_of(answer(cup | plate, several=True, found=found), "get the cup and the plate", header())
    assert [c.class_name for c in message.class_map] == ["background", "cup", "plate"]


def test_nothing_in_view_is_an_empty_array() -> None:
    message = detections_of(answer(np.zeros((48, 64), dtype=bool)), "get the cup", header())
    assert message.header == header()
    assert list(message.detections) == []
    labels = label_info_of(answer(np.zeros((48, 64), dtype=bool)), "get the cup", header())
    assert [c.class_name for c in labels.class_map] == ["background"]


def test_without_vision_msgs_there_are_no_detections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vision_msgs.msg", None)
    assert DETECTIONS.message_type() is None
    assert DETECTIONS_3D.message_type() is None
    assert LABEL_INFO.message_type() is None


def test_the_box_in_space_has_the_instruction_as_its_class() -> None:
    pytest.importorskip("geometry_msgs.msg", reason="ROS 2 (geometry_msgs) is not installed")
    from mdsm_ros.ros.depth.grasp_messages import DescribedObject, best_grasps, detections_3d_of

    target = described().target
    assert target is not None
    box, other = DescribedObject(1, "get the box", 0.75, target), DescribedObject(3, "the cup", 0.5, target)
    message: Any = detections_3d_of([box, other], header())
    detection, second = message.detections
    assert (detection.id, second.id, second.results[0].hypothesis.class_id) == ("1", "3", "the cup")
    assert len(best_grasps([box, other])) == 5
    assert best_grasps([box, other])[:2] == [target.grasps[0]] * 2
    (result,) = detection.results
    assert message.header == detection.header == header()
    assert (result.hypothesis.class_id, result.hypothesis.score) == ("get the box", 0.75)
    size, center = detection.bbox.size, detection.bbox.center.position
    np.testing.assert_allclose((size.x, size.y, size.z), target.box.size)
    np.testing.assert_allclose((center.x, center.y, center.z), target.box.center)
    covariance = np.reshape(result.pose.covariance, (6, 6))
    np.testing.assert_allclose(covariance[:3, :3], target.covariance)
    assert isinstance(message, DETECTIONS_3D.message_type() or ())
    assert list(detections_3d_of([], header()).detections) == []
