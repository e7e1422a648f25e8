"""Pose, box and grasps in the robot's frame over real DDS: a camera on a moving arm, and transforms that are late.

``MDSM_TEST_SECONDS=30 pytest -s test/test_ros_grasps.py`` prints figures of a longer run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import test_ros_node
from geometry_msgs.msg import PoseArray, PoseStamped, PoseWithCovarianceStamped, Quaternion, TransformStamped, Vector3
from scipy import ndimage
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from table_scene import CENTRE, FOCAL, HEIGHT, SIDES, WIDTH, ArmCamera
from test_ros_node import CUP, FRAME_ID, RELIABLE, Robot
from tf_stand_in import Tf

from mdsm_ros.geometry import Camera, quaternion
from mdsm_ros.homes.camera_effects.depth import measured
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.depth.messages import info_of
from mdsm_ros.ros.interface.topics import OUTPUTS

Marker = pytest.importorskip("visualization_msgs.msg", reason="visualization_msgs is not installed").Marker
from visualization_msgs.msg import MarkerArray  # noqa: E402

pytestmark = pytest.mark.ros

make_robot = test_ros_node.make_robot

BASE = "base_link"
NO_TRANSFORM = f"transform to {BASE}"  # kind of a bad message
(DETECTIONS,) = (topic.message_type() for topic in OUTPUTS if topic.short_name == "detections_3d")
SECONDS = float(os.environ.get("MDSM_TEST_SECONDS", "2"))
ENOUGH = 15  # descriptions, for medians of what has the noise of a camera
RATE, TRANSFORM_RATE, LATE = 30, 60, 0.05  # Hz, Hz, s
LOOP = 5.0  # s of frames that are made beforehand; then they come again, as the camera's way does


def stamped(nanoseconds: int, frame: str = FRAME_ID) -> Header:
    header = Header(frame_id=frame)
    header.stamp.sec, header.stamp.nanosec = divmod(nanoseconds, 10**9)
    return header


def nanoseconds(message: Any) -> int:
    message = message.markers[0] if isinstance(message, MarkerArray) else message
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def transform_of(camera: ArmCamera, nanoseconds: int) -> TransformStamped:
    result = TransformStamped(header=stamped(nanoseconds, BASE), child_frame_id=FRAME_ID)
    x, y, z, w = quaternion(camera.rotation)
    result.transform.translation = Vector3(**dict(zip("xyz", camera.position.tolist(), strict=True)))
    result.transform.rotation = Quaternion(x=x, y=y, z=z, w=w)
    return result


def vector(point: Any) -> np.ndarray:
    return np.array([point.x, point.y, point.z])


class Arm:
    """A node with depth whose camera moves, everything that it says in base_link, and when it said it."""

    def __init__(self, robot: Robot, tf: Tf) -> None:
        self.robot, self.tf = robot, tf
        self.arrived: dict[tuple[str, int], float] = {}
        self.published: dict[str, int] = {}  # stamp of the newest message
        kinds = {
            "mask": Image,
            "object_pose": PoseStamped,
            "object_centroid": PoseWithCovarianceStamped,
            "grasps": PoseArray,
            "markers": MarkerArray,
        }
        if DETECTIONS is not None:
            kinds["detections_3d"] = DETECTIONS
        self.heard: dict[str, dict[int, Any]] = {name: {} for name in kinds}
        for name, kind in kinds.items():
            robot.client.create_subscription(kind, f"mdsm/{name}", self._hear(name), RELIABLE)
        self.depth = robot.client.create_publisher(Image, "depth", RELIABLE)
        self.info = robot.client.create_publisher(CameraInfo, "camera_info", RELIABLE)
        said = [p for p in robot.node.publishers if p.topic_name.rsplit("/", 1)[-1] in kinds]
        assert len(said) == len(kinds)
        for publisher in said:
            self._watch(publisher)
        robot.wait(lambda: all(p.get_subscription_count() for p in (*said, self.depth, self.info)) and tf.is_heard())
        self.info.publish(
            info_of(Camera(FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2), HEIGHT, WIDTH, Header(frame_id=FRAME_ID))
        )
        rng = np.random.default_rng(0)
        self.frames = [self._frame(number / RATE, rng) for number in range(round(min(SECONDS, LOOP) * RATE))]

    def _hear(self, name: str) -> Callable[[Any], None]:
        def hear(message: Any) -> None:
            stamp = nanoseconds(message)
            self.arrived[name, stamp] = time.time()
            self.heard[name][stamp] = message

        return hear

    def _watch(self, publisher: Any) -> None:
        name, publish = publisher.topic_name.rsplit("/", 1)[-1], publisher.publish

        def watched(message: Any) -> None:
            self.published[name] = nanoseconds(message)
            publish(message)

        publisher.publish = watched

    def wait_for_all(self, stamp: int) -> None:
        """Until all that the node says up to its newest image has come; one topic may be later than another."""
        self.robot.wait(lambda: stamp in self.heard["markers"])  # what is published last
        self.robot.wait(lambda: all(newest in self.heard[name] for name, newest in self.published.items()))

    @staticmethod
    def _frame(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Image, whose red is the mask one pixel too wide, and depth with a camera's noise."""
        depth, mask = ArmCamera(seconds).shoot()
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[ndimage.binary_dilation(mask, np.ones((3, 3)))] = (250, 0, 0)
        return image, measured(depth, rng)

    def show(self, number: int, stamp: int) -> None:
        image, depth = self.frames[number % len(self.frames)]
        self.depth.publish(numpy_to_image(depth, "32FC1", stamped(stamp)))
        self.robot.camera.publish(numpy_to_image(image, "rgb8", stamped(stamp)))

    def drive(self) -> dict[int, ArmCamera]:
        """Moves the camera in real time; returns where it was, by the stamps of its images."""
        start = time.time_ns() + 10**8
        due = [(number / RATE, "image", number) for number in range(round(SECONDS * RATE))]
        moves = range(-6, round(SECONDS * TRANSFORM_RATE) + 6)
        due += [(number / TRANSFORM_RATE + LATE, "transform", number) for number in moves]
        cameras = {}
        for when, what, number in sorted(due):
            time.sleep(max(0.0, start / 1e9 + when - time.time()))
            if what == "image":
                stamp = start + round(1e9 * number / RATE)
                cameras[stamp] = ArmCamera(number / RATE)
                self.show(number, stamp)
            else:
                seconds = number / TRANSFORM_RATE
                self.tf.tell(transform_of(ArmCamera(seconds), start + round(1e9 * seconds)))
        return cameras


def test_a_moving_camera_with_late_transforms(
    make_robot: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = make_robot(
        image_reliability="reliable",
        depth=True,
        target_frame=BASE,
        transform_timeout=2.0,  # s; a busy machine makes transforms later than LATE
        num_inference_steps=0,
        instruction=CUP,
    )
    tf = Tf(robot.client, monkeypatch)
    arm = Arm(robot.start(), tf)
    cameras = arm.drive()
    while len(arm.heard["grasps"]) < ENOUGH:  # a busy machine describes few
        cameras |= arm.drive()
    poses, heard = arm.heard["object_pose"], arm.heard
    arm.wait_for_all(max(cameras))
    assert {message.header.frame_id for name in ("object_pose", "grasps") for message in heard[name].values()} == {BASE}

    truths = {stamp: cameras[stamp].visible() for stamp in poses}
    errors = [np.linalg.norm(vector(poses[s].pose.position) - cameras[s].to_base(truths[s])) for s in poses]
    before = [ArmCamera(cameras[stamp].seconds - LATE) for stamp in poses]
    newest = [
        np.linalg.norm(camera.to_base(truth) - cameras[s].to_base(truth))
        for camera, (s, truth) in zip(before, truths.items(), strict=True)
    ]
    assert len(poses) >= 10
    assert np.median(errors) < 0.02
    assert np.median(newest) > 0.02  # with the newest transform in place of that of the image

    boxes = [m.markers[0] for m in heard["markers"].values() if m.markers[0].action == Marker.ADD]
    off = [np.linalg.norm(vector(box.pose.position) - CENTRE) for box in boxes]
    sides = np.array([np.sort(vector(box.scale)) for box in boxes])
    assert np.median(off) < 0.02
    assert np.abs(np.median(sides, axis=0) - np.sort(SIDES)).max() < 0.02
    for message in heard.get("detections_3d", {}).values():
        ((box, result),) = ((one.bbox, one.results[0]) for one in message.detections)
        assert result.hypothesis.class_id == CUP
        assert np.linalg.norm(vector(box.center.position) - CENTRE) < 0.05
    best = [message.poses[0] for message in heard["grasps"].values() if message.poses]
    assert len(best) >= 0.7 * len(heard["grasps"])
    closing = [Rotation.from_quat([p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w]) for p in best]
    across = [abs(turn.as_matrix()[0, 1]) for turn in closing]  # the short side lies along x of base_link
    assert np.median(across) > 0.95
    assert np.median([np.abs(vector(p.position) - CENTRE)[:2].max() for p in best]) < 0.03
    centroid = next(iter(heard["object_centroid"].values()))
    covariance = np.reshape(centroid.pose.covariance, (6, 6))
    assert np.linalg.eigvalsh(covariance[:3, :3]).min() > 0
    _print_figures(arm, cameras, np.array(errors), np.array(newest), np.array(off))
    _without_transforms(arm)


def _print_figures(
    arm: Arm, cameras: dict[int, ArmCamera], errors: np.ndarray, newest: np.ndarray, off: np.ndarray
) -> None:
    waits = {
        name: np.median([arm.arrived[name, stamp] - stamp / 1e9 for stamp in arm.heard[name] if stamp in cameras])
        for name in arm.heard
    }
    counts = {name: len(messages) for name, messages in arm.heard.items()}
    print(f"\n{len(cameras)} images at {RATE} Hz, transforms {1000 * LATE:.0f} ms late; messages {counts}")
    print(f"pose: error median {errors_text(errors)}; by the newest transform {errors_text(newest)}")
    print(f"centre of the box: error median {errors_text(off)}")
    print("seconds from the stamp, median: " + ", ".join(f"{name} {wait:.3f}" for name, wait in waits.items()))


def errors_text(errors: np.ndarray) -> str:
    return f"{100 * np.median(errors):.1f} cm, p90 {100 * np.percentile(errors, 90):.1f} cm"


def _without_transforms(arm: Arm) -> None:
    """A transform that does not come is named, the masks go on, and nothing old is left for the gripper."""
    robot, stamp = arm.robot, time.time_ns() + 10**10
    missing = robot.node.cameras[0].statistics.counts().bad[NO_TRANSFORM]
    arm.show(0, stamp)
    arm.wait_for_all(stamp)
    assert stamp in arm.heard["mask"]
    assert stamp not in arm.heard["object_pose"]
    assert arm.heard["grasps"][stamp].header.frame_id == BASE
    assert list(arm.heard["grasps"][stamp].poses) == []
    assert {marker.action for marker in arm.heard["markers"][stamp].markers} == {Marker.DELETE}
    robot.wait_for_values({f"bad messages: {NO_TRANSFORM}": str(missing + 1)})
    robot.camera.publish(numpy_to_image(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "rgb8", stamped(stamp + 1)))
    arm.wait_for_all(stamp + 1)
    assert list(arm.heard["grasps"][stamp + 1].poses) == []
