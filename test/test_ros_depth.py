"""Where the node says an object is, over real DDS: lenses, unregistered depth, and what it refuses to say."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

import test_ros_node
from geometry_msgs.msg import PoseStamped, Transform
from scenes import CENTRE, COLOR, DEPTH, Lens, turn_about
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, RegionOfInterest
from std_msgs.msg import Header
from test_depth import rvl
from test_images import bomb
from test_ros_node import CUP, RELIABLE, Robot

from mdsm_ros.geometry import locate, quaternion
from mdsm_ros.recordings.images.layouts import image_to_numpy
from mdsm_ros.ros.conversions import numpy_to_image
from mdsm_ros.ros.depth.messages import points_to_cloud

pytestmark = pytest.mark.ros

make_robot = test_ros_node.make_robot

BARREL = Lens(d=(-0.3, 0.1, 0.001, -0.001, 0.0), roi=(60, 0, 260, 200), p=(215.0, 214.0, 155.0, 125.0))
BESIDE = Lens(focal=(175.0, 176.0), turn=turn_about("y", 2.0), move=np.array([-0.055, 0.01, 0.004]))


def header(stamp: int, frame: str = COLOR) -> Header:
    result = Header(frame_id=frame)
    result.stamp.sec = stamp
    return result


def info_message(lens: Lens, frame: str) -> CameraInfo:
    said = vars(lens.info(frame))
    left, top, width, height = lens.roi
    roi = RegionOfInterest(x_offset=left, y_offset=top, width=width, height=height)
    return CameraInfo(**(said | {"header": Header(frame_id=frame), "roi": roi}))


class Watcher:
    """A robot whose node looks for what is red, with cameras beside it."""

    def __init__(self, make: Callable[..., Robot], **parameters: Any) -> None:
        self.robot = make(
            image_reliability="reliable",
            image_depth=50,
            depth=True,
            num_inference_steps=0,
            instruction=CUP,
            **parameters,
        ).start()
        self.robot.listen("mdsm/object_pose", PoseStamped)
        client, compressed = self.robot.client, parameters.get("depth_transport") == "compressedDepth"
        kind, topic = (CompressedImage, "depth/compressedDepth") if compressed else (Image, "depth")
        self.depth = client.create_publisher(kind, topic, RELIABLE)
        self.info = client.create_publisher(CameraInfo, "camera_info", RELIABLE)
        self.depth_info = client.create_publisher(CameraInfo, "depth/camera_info", RELIABLE)
        said = [p for p in self.robot.node.publishers if p.topic_name.endswith("object_pose")]
        self.robot.wait(lambda: all(p.get_subscription_count() for p in (*said, self.depth, self.info)))
        self.robot.wait(self.depth_info.get_subscription_count)

    def tell(self, info: CameraInfo | None, depth: Image | CompressedImage) -> None:
        """Publishes and waits until the node has it: an image may come before what is published earlier elsewhere."""
        objects = self.robot.node.cameras[0]._channel.objects
        assert objects is not None
        buffer = objects.depth.buffer
        if info is not None:
            self.info.publish(info)
            self.robot.wait(lambda: buffer._info is not None)
        self.depth.publish(depth)
        self.robot.wait(lambda: buffer._images and buffer._images[-1].header == depth.header)

    def tell_depth_info(self, message: CameraInfo) -> None:
        """Publishes and waits until the node has it."""
        objects = self.robot.node.cameras[0]._channel.objects
        assert objects is not None
        buffer = objects.depth.buffer
        self.depth_info.publish(message)
        self.robot.wait(lambda: buffer._depth_info is not None and buffer._depth_info.header == message.header)

    def wait_for_bad(self, kind: str) -> None:
        self.robot.wait(lambda: kind in self.bad())

    def wait_for_mask(self, stamp: int) -> None:
        self.robot.wait(lambda: self.robot.stamps("mask")[-1:] == [stamp])

    def poses(self) -> list[PoseStamped]:
        return list(self.robot.received["mdsm/object_pose"])

    def show(self, stamp: int, mask: np.ndarray) -> None:
        self.robot.camera.publish(numpy_to_image(red(mask), "rgb8", header(stamp)))

    def bad(self) -> dict[str, str]:
        """What the diagnostics count, by kind."""
        values = self.robot.diagnosis(1)[2]
        return {
            key.removeprefix("bad messages: "): value
            for key, value in values.items()
            if key.startswith("bad messages: ")
        }


def red(mask: np.ndarray) -> np.ndarray:
    pixels = np.zeros((*mask.shape, 3), np.uint8)
    pixels[mask] = (250, 0, 0)
    return pixels


def place(pose: PoseStamped) -> np.ndarray:
    position = pose.pose.position
    return np.array([position.x, position.y, position.z])


def test_the_pose_of_a_camera_with_a_lens_and_a_region_of_interest(make_robot: Callable[..., Robot]) -> None:
    watcher = Watcher(make_robot)
    metres, mask = BARREL.shoot()
    watcher.tell(info_message(BARREL, COLOR), numpy_to_image(metres, "32FC1", header(1)))
    watcher.show(1, mask)
    watcher.robot.wait(watcher.poses)
    assert watcher.poses()[0].header == header(1)
    assert np.linalg.norm(place(watcher.poses()[0]) - CENTRE) < 0.01


class Buffer:
    """In place of tf2_ros.Buffer: knows one transform."""

    def lookup_transform(self, target: str, source: str, time: Any) -> SimpleNamespace:
        if (target, source) != (COLOR, DEPTH):
            raise LookupError(f"{source} is not connected to {target}")
        x, y, z, w = quaternion(BESIDE.turn)
        transform = Transform()
        transform.rotation.x, transform.rotation.y, transform.rotation.z, transform.rotation.w = x, y, z, w
        transform.translation.x, transform.translation.y, transform.translation.z = BESIDE.move.tolist()
        return SimpleNamespace(transform=transform)


class TransformListener:
    def __init__(self, buffer: Buffer, node: Any) -> None:
        assert isinstance(buffer, Buffer)
        listeners.append(self)

    def unregister(self) -> None:
        listeners.remove(self)


listeners: list[TransformListener] = []


def test_depth_of_another_camera_is_registered(
    make_robot: Callable[..., Robot], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("tf2_ros")
    vars(module).update(Buffer=Buffer, TransformListener=TransformListener)
    monkeypatch.setitem(sys.modules, "tf2_ros", module)
    watcher = Watcher(make_robot, depth_transport="compressedDepth")
    millimetres = np.round(BESIDE.shoot()[0] * 1000).astype(np.uint16)
    data = bytes(12) + rvl(millimetres)
    mask = Lens().shoot()[1]
    depth = CompressedImage(header=header(1, DEPTH), format="16UC1; compressedDepth rvl", data=data)
    watcher.tell(info_message(Lens(), COLOR), depth)
    watcher.tell_depth_info(info_message(BESIDE, DEPTH))
    watcher.robot.wait(lambda: listeners)
    watcher.show(1, mask)
    watcher.robot.wait(watcher.poses)
    assert np.linalg.norm(place(watcher.poses()[0]) - CENTRE) < 0.01
    watcher.tell_depth_info(info_message(BESIDE, "elsewhere"))
    watcher.tell(None, CompressedImage(header=header(2, "elsewhere"), format=depth.format, data=data))
    watcher.show(2, mask)
    watcher.robot.wait(lambda: watcher.bad() == {"transform": "1"})
    assert len(watcher.poses()) == 1
    watcher.robot.close()
    assert listeners == []


def test_a_pose_that_cannot_be_right_is_not_published(make_robot: Callable[..., Robot]) -> None:
    watcher = Watcher(make_robot)
    metres, mask = Lens().shoot()
    bad = [
        (metres, "32FC1", DEPTH, "depth frame_id"),
        (metres * 1000, "32FC1", COLOR, "depth unit"),
        ((metres + 1).astype(np.uint16), "16UC1", COLOR, "depth unit"),
        (np.full_like(metres, np.nan), "32FC1", COLOR, "depth in the mask"),
    ]
    for stamp, (pixels, encoding, frame, kind) in enumerate(bad, 1):
        watcher.tell(info_message(Lens(), COLOR), numpy_to_image(pixels, encoding, header(stamp, frame)))
        watcher.show(stamp, mask)
        watcher.wait_for_mask(stamp)  # the masks stand
        watcher.wait_for_bad(kind)
    watcher.robot.wait_for_values({"bad messages: depth unit": "2"})
    assert watcher.poses() == []
    assert watcher.robot.stamps("mask") == [1, 2, 3, 4]
    watcher.tell(None, numpy_to_image(metres, "32FC1", header(9)))
    watcher.show(9, mask)
    watcher.robot.wait(watcher.poses)


def test_depth_does_not_fit_an_image_that_was_turned(make_robot: Callable[..., Robot]) -> None:
    watcher = Watcher(make_robot, image_transport="compressed")
    metres, mask = Lens().shoot()
    exif = PillowImage.Exif()
    exif[0x0112] = 3
    for stamp, options in ((1, {"exif": exif.tobytes()}), (2, {})):
        stream = io.BytesIO()
        PillowImage.fromarray(red(mask)).save(stream, "jpeg", **options)
        watcher.tell(info_message(Lens(), COLOR), numpy_to_image(metres, "32FC1", header(stamp)))
        watcher.robot.camera.publish(CompressedImage(header=header(stamp), format="jpeg", data=stream.getvalue()))
        watcher.wait_for_mask(stamp)
    watcher.robot.wait(watcher.poses)
    assert watcher.poses()[0].header.stamp.sec == 2
    assert watcher.bad() == {"image orientation": "1"}
    first, second = (image_to_numpy(message) > 0 for message in watcher.robot.received["mdsm/mask"])
    assert (first == second[::-1, ::-1]).mean() > 0.99


def test_cameras_with_yuv_and_bayer_images(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(image_reliability="reliable", image_depth=50, instruction=CUP, num_inference_steps=0).start()
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[8:24, 8:40] = (250, 0, 0)
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    colour = planes[48 * 64 :].reshape(2, -1).T.reshape(24, 64)
    nv12 = np.concatenate([planes[: 48 * 64].reshape(48, 64), colour])
    mosaic = np.zeros((48, 64), np.uint16)
    mosaic[0::2, 0::2] = pixels[0::2, 0::2, 0].astype(np.uint16) * 257
    robot.show(1, nv12, "mono8", encoding="nv12", height=48)
    robot.wait(lambda: robot.stamps("mask") == [1])
    robot.show(2, mosaic, "mono16", encoding="bayer_rggb16")
    robot.wait(lambda: robot.stamps("mask") == [1, 2])
    for message in robot.received["mdsm/mask"]:
        found = image_to_numpy(message) > 0
        np.testing.assert_array_equal(found[10:22, 10:38], True)
        assert found.sum() < 1.2 * 16 * 32


def test_a_small_file_that_declares_a_large_image_is_refused_on_arrival(make_robot: Callable[..., Robot]) -> None:
    robot = make_robot(
        image_transport="compressed", image_reliability="reliable", instruction=CUP, max_image_pixels=64 * 48
    ).start()
    robot.camera.publish(CompressedImage(header=header(1), format="jpeg", data=bomb("jpeg", 64, 49)))
    robot.wait_for_errors(1)
    assert "expected at most 3072 pixels (parameter max_image_pixels)" in robot.errors()[0]
    stream = io.BytesIO()
    PillowImage.new("RGB", (64, 48), (250, 0, 0)).save(stream, "png")
    robot.camera.publish(CompressedImage(header=header(2), format="png", data=stream.getvalue()))
    robot.wait_for_answer(2)
    robot.wait(lambda: robot.diagnosis(1)[2]["bad messages: image size"] == "1")


def test_sensor_msgs_py_builds_the_cloud_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    metres, mask = Lens().shoot()
    from mdsm_ros.geometry import Camera

    found = locate(mask, metres, Camera(260.0, 257.5, 159.25, 121.75))
    assert found is not None
    colors = np.full((len(found.points), 3), (1, 2, 3), np.uint8)
    ours = points_to_cloud(found, colors, header(5))
    given: list[Any] = []

    def create_cloud(header: Header, fields: list[Any], points: np.ndarray) -> PointCloud2:
        given.append((header, fields, points))
        return PointCloud2(header=header, width=len(points))

    package, module = ModuleType("sensor_msgs_py"), ModuleType("sensor_msgs_py.point_cloud2")
    vars(module).update(create_cloud=create_cloud)
    monkeypatch.setitem(sys.modules, "sensor_msgs_py", package)
    monkeypatch.setitem(sys.modules, "sensor_msgs_py.point_cloud2", module)
    cloud = points_to_cloud(found, colors, header(5))
    assert cloud.is_dense
    assert cloud.width == ours.width
    ((its_header, fields, points),) = given
    assert (its_header, list(fields)) == (header(5), list(ours.fields))
    assert points.tobytes() == bytes(ours.data)
    assert set(points["rgb"].view("<u4").tolist()) == {0x010203}
