r"""Publishes the object's pose in the robot's frame, as a grasp planner expects it.

With tf2, which provides the camera's pose:

    python3 examples/pose_to_base_link.py --ros-args -r object_pose:=/mdsm/object_pose

Without it (tf2_ros is not on PyPI), for a camera that does not move, with its pose in the robot's frame as x y z in
metres and qx qy qz qw:

    python3 examples/pose_to_base_link.py --static 0.1 0 1.2 -0.5 0.5 -0.5 0.5 \
        --ros-args -r object_pose:=/mdsm/object_pose

The node publishes the pose with parameter depth. Its axes are those of the object's visible surface.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import rclpy
from geometry_msgs.msg import PoseStamped, Quaternion, Transform
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.time import Time
from rclpy.utilities import remove_ros_args

Quaternions = tuple[float, float, float, float]  # x, y, z, w
LookUp = Callable[[PoseStamped], Transform]  # the pose's frame in the robot's frame, at the stamp of the pose


class PoseTransformer(Node):
    """Subscribes to ``object_pose`` and publishes ``object_pose_in_base``.

    Args:
        frame: Name of the robot's frame.
        look_up: Function that returns the transform for a pose; None uses tf2.
    """

    def __init__(self, frame: str, look_up: LookUp | None) -> None:
        super().__init__("pose_transformer")
        self._frame = frame
        self._look_up = look_up or self._with_tf2()
        self._publisher = self.create_publisher(PoseStamped, "object_pose_in_base", 10)
        self.create_subscription(PoseStamped, "object_pose", self._transform, 10)

    def _with_tf2(self) -> LookUp:
        from tf2_ros import Buffer, TransformListener

        buffer = Buffer()
        self._listener = TransformListener(buffer, self)  # fills the buffer as long as the listener exists
        return look_up_in(buffer, self._frame)

    def _transform(self, message: PoseStamped) -> None:
        try:
            transform = self._look_up(message)
        except Exception as error:  # tf2's errors share no base class but Exception in all distributions
            self.get_logger().warning(f"no transform from {message.header.frame_id} to {self._frame}: {error}")
            return
        moved = transformed(message, transform)
        moved.header.frame_id = self._frame
        self._publisher.publish(moved)


def look_up_in(buffer: Any, frame: str) -> LookUp:
    """Looks up transforms in a tf2 buffer, at the stamp of the image: the robot may have moved since."""

    def look_up(message: PoseStamped) -> Transform:
        header = message.header
        return buffer.lookup_transform(frame, header.frame_id, Time.from_msg(header.stamp)).transform

    return look_up


def static(numbers: list[float]) -> LookUp:
    """Returns the same transform for all poses: x, y, z, qx, qy, qz, qw."""
    transform = Transform()
    transform.translation.x, transform.translation.y, transform.translation.z = numbers[:3]
    length = sum(number**2 for number in numbers[3:]) ** 0.5
    if not length:
        raise ValueError(f"the rotation is {numbers[3:]}, expected a quaternion other than zero")
    rotation = transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = (number / length for number in numbers[3:])
    return lambda message: transform


def transformed(message: PoseStamped, transform: Transform) -> PoseStamped:
    """Transforms a pose to the transform's parent frame; the stamp does not change."""
    rotation = _numbers(transform.rotation)
    at, to = message.pose.position, transform.translation
    x, y, z, _ = _times(_times(rotation, (at.x, at.y, at.z, 0.0)), _conjugate(rotation))
    result = PoseStamped(header=message.header)
    result.pose.position.x, result.pose.position.y, result.pose.position.z = x + to.x, y + to.y, z + to.z
    turned = _times(rotation, _numbers(message.pose.orientation))
    orientation = result.pose.orientation
    orientation.x, orientation.y, orientation.z, orientation.w = turned
    return result


def _numbers(rotation: Quaternion) -> Quaternions:
    return rotation.x, rotation.y, rotation.z, rotation.w


def _conjugate(q: Quaternions) -> Quaternions:
    return -q[0], -q[1], -q[2], q[3]


def _times(a: Quaternions, b: Quaternions) -> Quaternions:
    """The Hamilton product: first the rotation b, then a."""
    return (
        a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
        a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
        a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
        a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
    )


def main() -> None:
    """Runs until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frame", default="base_link", help="frame of the robot (default: %(default)s)")
    parser.add_argument(
        "--static",
        type=float,
        nargs=7,
        metavar=("X", "Y", "Z", "QX", "QY", "QZ", "QW"),
        help="pose of a fixed camera in the robot's frame, instead of tf2",
    )
    args = parser.parse_args(remove_ros_args()[1:])
    rclpy.init()
    try:
        node = PoseTransformer(args.frame, None if args.static is None else static(args.static))
    except (ModuleNotFoundError, ValueError) as error:
        parser.error(f"{error}; without tf2_ros, give the camera's pose with --static")
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
