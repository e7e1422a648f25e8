"""Answers as ``vision_msgs/Detection2DArray``, for nodes that expect boxes."""

from __future__ import annotations

from typing import Any

from mdsm_ros.inference.answer import Segmentation


def detections_of(answer: Segmentation, instruction: str, header: Any) -> Any:
    """One detection, the mask's box with the instruction as its class; none if the target is not in view."""
    from vision_msgs.msg import (
        BoundingBox2D,
        Detection2D,
        Detection2DArray,
        ObjectHypothesis,
        ObjectHypothesisWithPose,
        Point2D,
        Pose2D,
    )

    if answer.box is None:
        return Detection2DArray(header=header)
    x, y, width, height = answer.box
    center = Pose2D(position=Point2D(x=x + width / 2, y=y + height / 2), theta=0.0)
    return Detection2DArray(
        header=header,
        detections=[
            Detection2D(
                header=header,
                results=[
                    ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id=instruction, score=answer.score))
                ],
                bbox=BoundingBox2D(center=center, size_x=float(width), size_y=float(height)),
            )
        ],
    )
