"""Answers as messages of ``vision_msgs``: boxes, and what the ids of ``~/instances`` stand for."""

from __future__ import annotations

from typing import Any

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.instances import Instance

BACKGROUND = "background"  # class of id 0


def detections_of(answer: Segmentation, instruction: str, header: Any) -> Any:
    """One detection for each object, the box around its mask; none where nothing is in view.

    The class is the instruction, or the noun phrase by which the model found the object; the id is that of
    ``~/instances``.
    """
    from vision_msgs.msg import Detection2DArray

    detections = [
        _detection(str(i), instance, instance.name or instruction, header)
        for i, instance in enumerate(answer.instances, start=1)
    ]
    return Detection2DArray(header=header, detections=detections)


def _detection(number: str, instance: Instance, name: str, header: Any) -> Any:
    from vision_msgs.msg import (
        BoundingBox2D,
        Detection2D,
        ObjectHypothesis,
        ObjectHypothesisWithPose,
        Point2D,
        Pose2D,
    )

    x, y, width, height = instance.box
    center = Pose2D(position=Point2D(x=x + width / 2, y=y + height / 2), theta=0.0)
    return Detection2D(
        header=header,
        results=[ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id=name, score=instance.score))],
        bbox=BoundingBox2D(center=center, size_x=float(width), size_y=float(height)),
        id=number,
    )


def label_info_of(answer: Segmentation, instruction: str, header: Any) -> Any:
    """A ``LabelInfo`` with the class of each id of ``~/instances``, as in :func:`detections_of`; 0 is background."""
    from vision_msgs.msg import LabelInfo, VisionClass

    names = [BACKGROUND, *(instance.name or instruction for instance in answer.instances)]
    return LabelInfo(
        header=header, class_map=[VisionClass(class_id=i, class_name=name) for i, name in enumerate(names)]
    )
