"""From the camera's frame to the robot's: who waits for a transform, and what is said when it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scenes import Lens, turn_about
from table_scene import CENTRE, SIDES, ArmCamera, described

from mdsm_ros.errors import SpatialError
from mdsm_ros.geometry import Camera
from mdsm_ros.manipulation.frames import in_frame
from mdsm_ros.manipulation.target import Target
from mdsm_ros.recordings.cameras.info import camera_of
from mdsm_ros.recordings.cameras.model import CameraModel
from mdsm_ros.recordings.cameras.pinhole import as_pinhole
from mdsm_ros.recordings.cameras.registration import Rigid, lay_over
from mdsm_ros.ros.depth.waiting import MOST_WAITING, Place, TransformQueue

TIMEOUT = 20.0  # s
MOVED = Rigid(turn_about("x", 90.0), np.array([1.0, 2.0, 3.0]))


def target() -> Target:
    outcome = described()
    assert outcome.target is not None, outcome.reason
    return outcome.target


def wait(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.002)


class Waiters:
    """A queue, the transforms that have come, and who was called back."""

    def __init__(self, target: str = "base_link", timeout: float = TIMEOUT) -> None:
        self.known: set[int] = set()
        self.calls: list[tuple[int, Place | None, str]] = []
        self.notes: list[tuple[str, str]] = []
        self.failures: list[BaseException] = []
        self.queue = TransformQueue(
            target, timeout, self._find, self._note, lambda _, error: self.failures.append(error)
        )

    def _find(self, target: str, source: str, stamp: int) -> Rigid:
        if stamp not in self.known:
            raise SpatialError("transform", "missing", f"one from {source} to {target}")
        return MOVED

    def _note(self, kind: str, error: Exception) -> None:
        self.notes.append((kind, str(error)))

    def ask(self, stamp: int, frame: str = "camera") -> None:
        def called(place: Place | None = None) -> None:
            self.calls.append((stamp, place, threading.current_thread().name))

        self.queue.find(SimpleNamespace(frame_id=frame, stamp=stamp), called, called)


def test_a_transform_that_is_there_is_used_at_once() -> None:
    waiters = Waiters()
    waiters.known.add(1)
    waiters.ask(1)
    ((stamp, place, thread),) = waiters.calls
    assert (stamp, thread) == (1, threading.current_thread().name)
    assert place is not None
    assert (place.frame, place.pose) == ("base_link", MOVED)
    assert place.up is not None
    np.testing.assert_allclose(MOVED.rotation @ place.up, (0, 0, 1), atol=1e-12)


@pytest.mark.parametrize(("target", "frame"), [("", "camera"), ("camera", "camera"), ("camera", "/camera")])
def test_in_the_frame_of_the_image_nobody_waits(target: str, frame: str) -> None:
    waiters = Waiters(target)
    waiters.ask(1, frame)
    ((_, place, _),) = waiters.calls
    assert place is not None
    assert place.up is None  # its z axis looks forward
    np.testing.assert_array_equal(place.pose.rotation, np.eye(3))


def test_late_transforms_are_waited_for_in_order() -> None:
    waiters = Waiters()
    for stamp in (1, 2, 3):
        waiters.ask(stamp)
    assert waiters.calls == []  # and nobody was kept waiting
    waiters.known |= {2, 3}
    time.sleep(0.05)
    assert waiters.calls == []
    waiters.known.add(1)
    wait(lambda: len(waiters.calls) == 3)
    assert [stamp for stamp, _, _ in waiters.calls] == [1, 2, 3]
    assert all(place is not None and place.pose is MOVED for _, place, _ in waiters.calls)
    waiters.queue.close()


def test_a_transform_that_does_not_come_is_named() -> None:
    waiters = Waiters(timeout=0.02)
    waiters.ask(1)
    wait(lambda: waiters.calls)
    assert [place for _, place, _ in waiters.calls] == [None]
    assert waiters.notes == [("transform to base_link", "transform is missing, expected one from camera to base_link")]
    waiters.queue.close()


def test_not_too_many_wait() -> None:
    waiters = Waiters()
    for stamp in range(MOST_WAITING + 5):
        waiters.ask(stamp)
    wait(lambda: len(waiters.calls) == 5)
    assert len(waiters.notes) == 5
    waiters.queue.close()


def test_after_closing_nobody_is_called() -> None:
    waiters = Waiters()
    waiters.ask(1)
    waiters.queue.close()
    waiters.known |= {1, 2}
    waiters.ask(3)
    time.sleep(0.05)
    assert waiters.calls == []
    assert waiters.failures == []


def test_a_target_in_the_robots_frame() -> None:
    camera, seen = ArmCamera(0.0), target()
    moved = in_frame(seen, camera.rotation, camera.position)
    np.testing.assert_allclose(moved.box.center, CENTRE, atol=0.01)
    np.testing.assert_allclose(np.sort(moved.box.size), np.sort(SIDES), atol=0.015)
    np.testing.assert_allclose(moved.box.axes[:, 2], (0, 0, 1), atol=0.02)
    assert moved.support is not None
    assert seen.support is not None
    np.testing.assert_allclose(
        moved.support.height(moved.surface.points), seen.support.height(seen.surface.points), atol=1e-9
    )
    for grasp in moved.grasps:
        assert np.linalg.det(grasp.axes) == pytest.approx(1)
        assert grasp.axes[2, 0] < 0.2  # not from below
        np.testing.assert_allclose(np.linalg.norm(np.diff(grasp.contacts, axis=0)), grasp.width, atol=0.02)
    variances = np.linalg.eigvalsh(seen.covariance)
    np.testing.assert_allclose(np.linalg.eigvalsh(moved.covariance), variances, rtol=1e-6)


def test_depth_of_an_ideal_camera_is_taken_as_it_is() -> None:
    depth, mask = ArmCamera(0.0).shoot()
    camera = CameraModel(150.0, 150.0, 80.0, 60.0, 160, 120)
    view = as_pinhole(lay_over(depth, camera, camera, None), mask, mask.astype(np.float32))
    assert view is not None
    np.testing.assert_array_equal(view.mask, mask)
    np.testing.assert_array_equal(view.depth, depth)
    assert view.camera == Camera(150.0, 150.0, 80.0, 60.0)


@pytest.mark.parametrize(
    ("lens", "pose"),
    [
        (Lens(d=(-0.3, 0.1, 0.001, -0.001, 0.0)), None),
        (Lens(turn=turn_about("y", 2.0), move=np.array([-0.055, 0.01, 0.004])), "moved"),
    ],
)
def test_depth_of_other_cameras_is_projected_anew(lens: Lens, pose: str | None) -> None:
    depth, own = lens.shoot()
    camera, image = camera_of(lens.info(), 320, 240), camera_of(Lens().info(), 320, 240)
    rigid = None if pose is None else Rigid(lens.turn, lens.move)
    mask = own if pose is None else Lens().shoot()[1]
    view = as_pinhole(lay_over(depth, camera, image if pose else camera, rigid), mask, mask.astype(np.float32))
    assert view is not None
    rows, columns = np.nonzero(view.mask & np.isfinite(view.depth))
    found = view.camera.points(np.stack([rows, columns], axis=1), view.depth[rows, columns])
    pixels = np.argwhere(own)
    points = camera.points(pixels, depth[own])
    truth = points if rigid is None else rigid.applied(points)
    np.testing.assert_allclose(found.mean(axis=0), truth.mean(axis=0), atol=0.006)
    np.testing.assert_allclose(found.std(axis=0), truth.std(axis=0), atol=0.004)
    assert np.isfinite(view.depth[view.mask]).all()
    inside = np.zeros_like(view.mask)
    inside[rows.min() : rows.max(), columns.min() : columns.max()] = True
    assert np.isfinite(view.depth[inside]).mean() > 0.8  # few pixels between measurements stay empty


def test_a_mask_without_depth_is_no_view() -> None:
    depth, mask = ArmCamera(0.0).shoot()
    camera = CameraModel(150.0, 150.0, 80.0, 60.0, 160, 120)
    hollow = np.where(mask, np.float32(np.nan), depth)
    assert as_pinhole(lay_over(hollow, camera, camera, None), mask, mask.astype(np.float32)) is None


def test_markers_replace_all_of_the_array_before() -> None:
    messages = pytest.importorskip("visualization_msgs.msg", reason="visualization_msgs is not installed")
    from std_msgs.msg import Header

    from mdsm_ros.manipulation.gripper import Gripper
    from mdsm_ros.ros.depth.grasp_messages import DescribedObject
    from mdsm_ros.ros.depth.markers import MOST_BOXES, markers_of

    seen, header = target(), Header(frame_id="base_link")
    described = DescribedObject(1, "get the box", 0.9, seen)
    shown, empty = (markers_of(objects, Gripper(), header).markers for objects in ([described], []))
    keys = [(marker.ns, marker.id) for marker in shown]
    assert keys == [(marker.ns, marker.id) for marker in empty]
    assert len(set(keys)) == len(keys) == MOST_BOXES + 5
    assert {marker.action for marker in empty} == {messages.Marker.DELETE}
    assert [marker.action for marker in shown].count(messages.Marker.ADD) == 1 + len(seen.grasps)
    assert {marker.header.frame_id for marker in shown} == {"base_link"}
    first = shown[MOST_BOXES]
    fingers = np.array([[point.x, point.y] for point in first.points])
    assert np.abs(fingers[:, 1]).max() == pytest.approx(seen.grasps[0].opening / 2)
    assert fingers[:, 0].max() == 0  # the tips are at the grasp's position


def test_the_transforms_of_a_simulated_camera_lead_to_the_room() -> None:
    pytest.importorskip("geometry_msgs.msg", reason="ROS 2 (geometry_msgs) is not installed")
    from std_msgs.msg import Header

    from mdsm_ros.homes.views.scene import CameraPose
    from mdsm_ros.ros.players.sim_transforms import transforms_of

    pose = CameraPose((1.0, -2.0, 1.2), (2.5, -1.0, 0.4), 60.0)
    base, camera = transforms_of(Header(frame_id="camera"), pose)
    links = [(link.header.frame_id, link.child_frame_id) for link in (base, camera)]
    assert links == [("map", "base_link"), ("base_link", "camera")]
    ahead = np.array([[0.0, 0.0, 2.0]])
    found = Rigid.of(base.transform).applied(Rigid.of(camera.transform).applied(ahead))
    way = np.subtract(pose.target, pose.position)
    np.testing.assert_allclose(found[0], pose.position + 2 * way / np.linalg.norm(way), atol=1e-9)
    floor = Rigid.of(base.transform)
    np.testing.assert_allclose(floor.translation, (1.0, -2.0, 0.0))
    np.testing.assert_allclose(floor.rotation[2], (0, 0, 1), atol=1e-12)


class Recorder:
    """In place of the publishers and of what counts complaints."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, list[Any]]] = []
        self.notes: list[tuple[str, str]] = []

    def publish_description(self, header: Any, objects: list[Any], gripper: Any) -> None:
        self.said.append((header, objects))

    def note(self, kind: str, error: BaseException) -> None:
        self.notes.append((kind, str(error)))


def test_each_object_of_an_answer_is_described_and_older_answers_are_left_out() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
    from mdsm_ros.inference.answer import Segmentation
    from mdsm_ros.inference.instances import Instance
    from mdsm_ros.ros.objects.describing import Describer, Found, Request

    arm = ArmCamera(0.0)
    depth, mask = arm.shoot()
    table = np.zeros_like(mask)
    table[-20:, :40] = True
    found = (Instance(mask, 0.9, "the box"), Instance(table, 0.8, "the mat"))
    answer = Segmentation(mask | table, (mask | table).astype(np.float32), None, 0.9, True, "refined", {}, True, found)
    camera = CameraModel(150.0, 150.0, 80.0, 60.0, 160, 120)
    place = Place("base_link", Rigid(arm.rotation, arm.position), arm.rotation[2])
    record: Any = Recorder()
    describer = Describer(record, record, record)
    describer.put(Request(2, "second", "both", Found(lay_over(depth, camera, camera, None), answer, place, 0.085)))
    describer.put(Request(1, "first", "both", None))
    wait(lambda: record.said)
    describer.put(Request(3, "third", "both", None))
    wait(lambda: len(record.said) == 2)
    describer.close()
    (header, (described_object,)), (last, nothing) = record.said
    assert (header, last, nothing) == ("second", "third", [])
    assert (described_object.number, described_object.name, described_object.score) == (1, "the box", 0.9)
    np.testing.assert_allclose(described_object.target.box.center, CENTRE, atol=0.01)
    assert record.notes == [
        ("grasps", "grasp is missing (the mask shows a plane and nothing on it), expected an object that fits")
    ]
