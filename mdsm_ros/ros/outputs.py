"""Everything that the node publishes about a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import Publisher as LifecyclePublisher
from std_msgs.msg import Header, String

from mdsm_ros.files import to_json
from mdsm_ros.geometry import ObjectGeometry
from mdsm_ros.inference.answer import TRACKED, Segmentation
from mdsm_ros.inference.instances import label_image
from mdsm_ros.inference.tracking.tracker import TrackedMask
from mdsm_ros.pictures.overlay import draw_overlay
from mdsm_ros.ros.conversions import mask_to_image, numpy_to_image
from mdsm_ros.ros.depth.messages import points_to_cloud, pose_of
from mdsm_ros.ros.detections import detections_of, label_info_of
from mdsm_ros.ros.interface.topics import OUTPUTS, name_of
from mdsm_ros.ros.process.text import in_utf8

if TYPE_CHECKING:  # SciPy, which most nodes do not need
    from mdsm_ros.manipulation.gripper import Gripper
    from mdsm_ros.ros.depth.grasp_messages import DescribedObject

Picture = Callable[[], np.ndarray]  # returns the image in full, uint8 (H, W, 3) RGB
VIEWS = ("instances", "label_info", "detections", "overlay")  # topics that show a mask
DESCRIPTIONS = ("object_centroid", "detections_3d", "grasps", "markers")  # computed by mdsm_ros.manipulation


class Outputs:
    """The publishers of masks, overlays and status of a camera; every message has the header of its image.

    Args:
        node: Node that publishes.
        camera: Name of the camera, for the names of topics and for the status; "" for the only one.
    """

    def __init__(self, node: LifecycleNode, camera: str = "") -> None:
        self._node = node
        self._names = {"camera": camera} if camera else {}  # in every line of JSON
        self._publishers: dict[str, LifecyclePublisher] = {
            topic.short_name: node.create_lifecycle_publisher(kind, name_of(topic.name, camera), topic.qos.profile())
            for topic in OUTPUTS
            if (kind := topic.message_type()) is not None
        }

    def destroy(self) -> None:
        """Ends all publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)

    def publish_initial_mask(self, header: Header, answer: Segmentation) -> None:
        """Publishes the mask before refinement."""
        self._publish_mask("initial_mask", header, answer.mask)

    def publish_mask(self, header: Header, answer: Segmentation) -> None:
        """Publishes the final mask."""
        self._publish_mask("mask", header, answer.mask)

    def publish_tracked(
        self, header: Header, picture: Picture, instruction: str, tracked: TrackedMask, seconds: float
    ) -> None:
        """Publishes a mask that was carried to an image within ``seconds``, its status, and the topics that show it."""
        self._publish_mask("mask", header, tracked.mask)
        self._publish_status(
            header,
            instruction,
            stage=TRACKED,
            score=round(tracked.answer.score, 4),
            present=True,
            timings={"track": round(seconds, 4), "total": round(seconds, 4)},
            latency=round(self.age(header), 4),
            age=round(tracked.age, 4),
            error=None,
        )
        if any(self._is_subscribed(name) for name in VIEWS):
            self.publish_views(header, picture, instruction, tracked.segmentation())

    def publish_maps(self, header: Header, answer: Segmentation) -> None:
        """Publishes the maps of a model's answer, each only if it has a subscriber."""
        if self._is_subscribed("probability"):
            self._publishers["probability"].publish(numpy_to_image(answer.probability, "32FC1", header))
        if answer.uncertainty is not None and self._is_subscribed("uncertainty"):
            self._publishers["uncertainty"].publish(numpy_to_image(answer.uncertainty, "32FC1", header))

    def publish_views(self, header: Header, picture: Picture, instruction: str, answer: Segmentation) -> None:
        """Publishes the topics that show a mask, each only if it has a subscriber; ``picture`` returns the image."""
        if self._is_subscribed("instances"):
            labels = label_image(answer.instances, answer.mask.shape)
            self._publishers["instances"].publish(numpy_to_image(labels, "mono16", header))
        if self._is_subscribed("label_info"):
            self._publishers["label_info"].publish(label_info_of(answer, instruction, header))
        if self._is_subscribed("detections"):
            self._publishers["detections"].publish(detections_of(answer, instruction, header))
        if self._is_subscribed("overlay"):
            overlay = draw_overlay(picture(), answer, instruction)
            self._publishers["overlay"].publish(numpy_to_image(overlay, "rgb8", header))

    def publish_object(self, header: Header, found: ObjectGeometry, colors: Callable[[], np.ndarray]) -> None:
        """Publishes the pose and the points of an object in the frame of the header.

        Args:
            header: Stamp of the image and frame of the object.
            found: The object.
            colors: Function that returns the RGB colours (N, 3) of its points; called only if somebody subscribes.
        """
        self._publishers["object_pose"].publish(pose_of(found, header))
        if self._is_subscribed("object_points"):
            self._publishers["object_points"].publish(points_to_cloud(found, colors(), header))

    def is_description_wanted(self) -> bool:
        """Whether a topic with box or grasps has subscribers."""
        return any(self._is_subscribed(name) for name in DESCRIPTIONS)

    def publish_description(self, header: Header, objects: Sequence[DescribedObject], gripper: Gripper) -> None:
        """Publishes boxes, grasps and centroid where somebody subscribes.

        Args:
            header: Stamp of the image and frame of the objects.
            objects: What to publish, the surest first; none empties boxes, grasps and markers.
            gripper: For drawing.
        """
        from mdsm_ros.ros.depth.grasp_messages import centroid_of, detections_3d_of, grasps_of
        from mdsm_ros.ros.depth.markers import markers_of

        if objects and self._is_subscribed("object_centroid"):
            self._publishers["object_centroid"].publish(centroid_of(objects[0].target, header))
        if self._is_subscribed("detections_3d"):
            self._publishers["detections_3d"].publish(detections_3d_of(objects, header))
        if self._is_subscribed("grasps"):
            self._publishers["grasps"].publish(grasps_of(objects, header))
        if self._is_subscribed("markers"):
            self._publishers["markers"].publish(markers_of(objects, gripper, header))

    def publish_status(self, header: Header, instruction: str, answer: Segmentation) -> str:
        """Publishes and returns the status line of an answer."""
        return self._publish_status(
            header,
            instruction,
            stage=answer.stage,
            score=round(answer.score, 4),
            present=answer.present,
            timings={name: round(seconds, 4) for name, seconds in answer.timings.items()},
            latency=round(self.age(header), 4),
            error=None,
        )

    def publish_question(self, header: Header, instruction: str, fields: Mapping[str, Any]) -> None:
        """Publishes one line about a question that is asked or settled."""
        self._publish_line("question", header, instruction, fields)

    def publish_error(self, header: Header, instruction: str, error: str) -> str:
        """Publishes and returns the status line of a message that was not answered."""
        return self._publish_status(
            header, instruction, stage=None, score=None, present=None, timings={}, latency=None, error=error
        )

    def age(self, header: Header) -> float:
        """The time since the stamp in seconds."""
        now = self._node.get_clock().now().nanoseconds
        seconds: float = (now - header.stamp.sec * 10**9 - header.stamp.nanosec) / 1e9
        return seconds

    def _publish_mask(self, topic: str, header: Header, mask: np.ndarray) -> None:
        if self._is_subscribed(topic):  # a large mask takes longer to publish than to look for subscribers
            self._publishers[topic].publish(mask_to_image(mask, header))

    def _publish_status(self, header: Header, instruction: str, **fields: Any) -> str:
        return self._publish_line("status", header, instruction, fields)

    def _publish_line(self, topic: str, header: Header, instruction: str, fields: Mapping[str, Any]) -> str:
        content = {
            "stamp": {"sec": header.stamp.sec, "nanosec": header.stamp.nanosec},
            "frame_id": header.frame_id,
            **self._names,
            "instruction": instruction,
            **fields,
        }
        line = in_utf8(to_json(content, ensure_ascii=False, separators=(",", ":")))
        self._publishers[topic].publish(String(data=line))
        return line

    def _is_subscribed(self, name: str) -> bool:
        return name in self._publishers and int(self._publishers[name].get_subscription_count()) > 0
