"""Poses by cameras with lenses, regions of interest, binning and unregistered depth, against the undistorted camera."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scenes import CENTRE, COLOR, DEPTH, Lens, depth_message, header, turn_about

from mdsm_ros.errors import SpatialError
from mdsm_ros.geometry import ObjectGeometry
from mdsm_ros.recordings.cameras.info import camera_of, is_rectified
from mdsm_ros.recordings.cameras.registration import Rigid
from mdsm_ros.ros.depth.buffer import REMEMBERED, DepthBuffer, Sources

IDEAL = Lens()
BARREL = Lens(d=(-0.32, 0.12, 0.001, -0.0015, -0.02), p=(215.0, 214.0, 155.0, 125.0))
RATIONAL = Lens(model="rational_polynomial", d=(0.6, -0.3, 0.0004, -0.0003, 0.05, 0.9, -0.2, 0.03))
FISHEYE = Lens(model="equidistant", d=(-0.02, 0.004, -0.002, 0.0003), focal=(150.0, 149.5))
NEAR = 0.01  # metres


def pose(
    color: Lens,
    depth: Lens | None = None,
    sources: Sources = Sources(),  # noqa: B008
    find: Any = None,
    rectified: bool = False,
) -> ObjectGeometry:
    """What the node makes of a mask by one camera and a depth image by the same or another one."""
    buffer = DepthBuffer(0.05, sources, find_transform=find)
    mask = color.shoot(rectified)[1]
    buffer.put_info(color.info())
    if depth is None:
        buffer.put_depth(depth_message(color.shoot(rectified)[0], 1.0))
    else:
        buffer.put_depth_info(depth.info(DEPTH))
        buffer.put_depth(depth_message(depth.shoot()[0], 1.0, DEPTH))
    found = buffer.match(header(1.0), mask.shape).locate(mask)
    assert found is not None
    return found


@functools.cache
def expected() -> np.ndarray:
    """The undistorted camera's answer."""
    position = pose(IDEAL).position
    assert np.linalg.norm(position - CENTRE) < NEAR
    return position


def error(found: ObjectGeometry) -> float:
    """Distance to the undistorted camera's answer, in metres."""
    return float(np.linalg.norm(found.position - expected()))


@pytest.mark.parametrize(
    "lens",
    [
        BARREL,
        RATIONAL,
        FISHEYE,
        replace(FISHEYE, model="fisheye"),
        replace(BARREL, roi=(150, 10, 160, 160)),
        replace(BARREL, binning=2),
        replace(BARREL, binning=2, roi=(110, 20, 200, 150)),
        replace(IDEAL, roi=(210, 20, 100, 100)),
    ],
    ids=["barrel", "rational", "fisheye", "fisheye by name", "roi", "binning", "both", "ideal roi"],
)
def test_poses_of_raw_images_are_those_of_the_undistorted_camera(lens: Lens) -> None:
    assert error(pose(lens)) < NEAR


def test_a_lens_that_is_not_read_puts_the_object_elsewhere() -> None:
    straight = replace(BARREL, d=(0.0,) * 5, p=None)
    buffer = DepthBuffer(0.05)
    metres, mask = BARREL.shoot()
    buffer.put_info(straight.info())
    buffer.put_depth(depth_message(metres, 1.0))
    found = buffer.match(header(1.0), mask.shape).locate(mask)
    assert found is not None
    assert error(found) > 2 * NEAR


@pytest.mark.parametrize("sources", [Sources(image="/camera/color/image_rect_color"), Sources(rectified="yes")])
@pytest.mark.parametrize("lens", [BARREL, replace(BARREL, roi=(110, 20, 200, 150)), replace(BARREL, binning=2)])
def test_rectified_images_are_those_of_p(lens: Lens, sources: Sources) -> None:
    assert error(pose(lens, sources=sources, rectified=True)) < NEAR


def test_depth_of_another_size() -> None:
    small = replace(IDEAL, width=160, height=120, focal=(130.0, 128.75), centre=(79.125, 60.375))
    buffer = DepthBuffer(0.05)
    mask = IDEAL.shoot()[1]
    buffer.put_info(IDEAL.info())
    buffer.put_depth(depth_message(small.shoot()[0], 1.0))
    found = buffer.match(header(1.0), mask.shape).locate(mask)
    assert found is not None
    assert error(found) < NEAR


BESIDE = Lens(
    width=280,
    height=210,
    focal=(175.0, 176.0),
    centre=(141.0, 104.0),
    turn=turn_about("y", 2.0) @ turn_about("x", -1.5),
    move=np.array([-0.055, 0.01, 0.004]),
)


def tf(target: str, source: str, stamp: Any) -> Rigid:
    assert (target, source) == (COLOR, DEPTH)
    assert stamp.sec == 1
    return Rigid(BESIDE.turn, BESIDE.move)


@pytest.mark.parametrize("color", [IDEAL, BARREL, replace(BARREL, binning=2)], ids=["ideal", "barrel", "binned"])
@pytest.mark.parametrize("depth", [BESIDE, replace(BESIDE, d=(-0.1, 0.02, 0.0, 0.0, 0.0))], ids=["ideal", "barrel"])
def test_unregistered_depth_is_registered(color: Lens, depth: Lens) -> None:
    assert error(pose(color, depth, find=tf)) < NEAR


def test_depth_of_the_rectified_image_under_a_raw_one() -> None:
    buffer = DepthBuffer(0.05, Sources(image="/rgb/image_raw", depth="/depth_registered/image_rect"))
    mask = BARREL.shoot()[1]
    buffer.put_info(BARREL.info())
    buffer.put_depth(depth_message(BARREL.shoot(rectified=True)[0], 1.0))
    found = buffer.match(header(1.0), mask.shape).locate(mask)
    assert found is not None
    assert error(found) < NEAR


def test_what_the_image_does_not_see_is_left_out() -> None:
    """A depth camera far to the side sees the wall behind the board, which the image's mask covers."""
    aside = replace(BESIDE, turn=np.eye(3), move=np.array([-0.4, 0.0, 0.0]))
    buffer = DepthBuffer(0.05, find_transform=lambda *_: Rigid(aside.turn, aside.move))
    mask = IDEAL.shoot()[1]
    buffer.put_info(IDEAL.info())
    buffer.put_depth_info(aside.info(DEPTH))
    buffer.put_depth(depth_message(aside.shoot()[0], 1.0, DEPTH))
    view = buffer.match(header(1.0), mask.shape)
    inner = mask.copy()  # at its edge one pixel shows both
    inner[:, 2:] &= mask[:, :-2]
    inner[:, :-2] &= mask[:, 2:]
    covered = view.metres[inner[view.rows, view.columns] & np.isfinite(view.metres)]
    assert len(covered) > 500
    assert (covered < 2.0).all()  # not one of the wall's, 2.5 m away
    image = np.zeros((*mask.shape, 3), np.uint8)
    image[mask] = (200, 10, 10)
    found = view.locate(mask)
    assert found is not None
    assert set(map(tuple, view.colors(image, found).tolist())) == {(200, 10, 10)}


def match(**changes: Any) -> None:
    """Everything that is right, apart from what is changed."""
    buffer = DepthBuffer(0.05, changes.get("sources", Sources()), find_transform=changes.get("find"))
    metres = IDEAL.shoot()[0]
    buffer.put_info(changes.get("info", IDEAL.info()))
    if "depth_info" in changes:
        buffer.put_depth_info(changes["depth_info"])
    buffer.put_depth(changes.get("depth", depth_message(metres, 1.0)))
    buffer.match(changes.get("header", header(1.0)), changes.get("shape", metres.shape))


def missing(*_: Any) -> Rigid:
    raise SpatialError("transform", "missing", "one on /tf")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"info": IDEAL.info("another_frame")}, "camera_info frame_id"),
        ({"header": header(1.0, "another_frame")}, "camera_info frame_id"),
        ({"depth": depth_message(np.ones((48, 64)), 1.0, DEPTH)}, "depth frame_id"),
        ({"depth": depth_message(np.ones((48, 64)), 1.0, "")}, "depth frame_id"),
        ({"depth": depth_message(np.ones((48, 64)), 1.0, DEPTH), "find": missing}, "depth frame_id"),
        (
            {"depth": depth_message(np.ones((48, 64)), 1.0, DEPTH), "depth_info": IDEAL.info(DEPTH), "find": missing},
            "transform",
        ),
        ({"depth": depth_message(np.ones((48, 64)), 1.0, DEPTH), "depth_info": IDEAL.info(DEPTH)}, "depth frame_id"),
        ({"depth_info": IDEAL.info("third")}, "depth camera_info frame_id"),
        ({"depth_info": IDEAL.info(k=[0.0] * 9, p=[0.0] * 12)}, "depth camera_info k"),
        ({"depth": depth_message(np.ones((48, 64)), 1.2)}, "depth"),
        ({"depth": depth_message(np.ones((48, 64)), 0.0)}, "depth"),
        ({"depth": depth_message(np.full((48, 64), 1500.0), 1.0)}, "depth unit"),
        ({"depth": depth_message(np.full((48, 64), 0.0015), 1.0)}, "depth unit"),
        ({"depth": depth_message(np.ones((64, 64)), 1.0)}, "camera_info size"),
        ({"info": IDEAL.info(width=0)}, "camera_info size"),
        ({"info": IDEAL.info(width=320, height=320)}, "camera_info size"),
        ({"info": IDEAL.info(k=[0.0] * 9, p=[0.0] * 12)}, "camera_info k"),
        ({"info": IDEAL.info(k=[-1.0, 0, 160, 0, 260, 120, 0, 0, 1], p=[0.0] * 12)}, "camera_info k"),
        ({"info": IDEAL.info(k=[math.nan, 0, 160, 0, 260, 120, 0, 0, 1], p=[0.0] * 12)}, "camera_info k"),
        ({"info": IDEAL.info(k=[500, 0, math.inf, 0, 260, 120, 0, 0, 1], p=[0.0] * 12)}, "camera_info k"),
        ({"info": IDEAL.info(k=[500, 0, 32000, 0, 500, 240, 0, 0, 1], p=[0.0] * 12)}, "camera_info k"),
        ({"info": IDEAL.info(d=[math.nan] * 5)}, "camera_info d"),
        ({"info": IDEAL.info(d=[0.1, 0.1])}, "camera_info d"),
        ({"info": IDEAL.info(d=[0.1] * 4, distortion_model="double_sphere")}, "camera_info distortion_model"),
        ({"info": IDEAL.info(d=[0.1] * 5, distortion_model="")}, "camera_info distortion_model"),
        ({"info": IDEAL.info(r=[2.0, 0, 0, 0, 1, 0, 0, 0, 1])}, "camera_info r"),
        ({"info": replace(IDEAL, roi=(300, 0, 100, 75)).info()}, "camera_info roi"),
        ({"info": replace(IDEAL, roi=(4, 0, 0, 0)).info()}, "camera_info roi"),
        ({"info": replace(IDEAL, roi=(100, 100, 160, 120)).info()}, "camera_info size"),
        ({"info": replace(IDEAL, binning=2).info()}, "camera_info size"),
        ({"info": replace(IDEAL, p=(200.0, 200.0, 160.0, 120.0)).info()}, "camera_info k"),
        ({"info": BARREL.info(p=[0.0] * 12), "sources": Sources(rectified="yes")}, "camera_info p"),
        (
            {
                "info": IDEAL.info(p=[500.0, 0, 320, -30, 0, 500, 240, 0, 0, 0, 1, 0]),
                "sources": Sources(rectified="yes"),
            },
            "camera_info p",
        ),
    ],
)
def test_a_wrong_pose_is_worse_than_none(changes: dict[str, Any], field: str) -> None:
    match()
    with pytest.raises(SpatialError) as caught:
        match(**changes)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} is ")


def test_before_anything_has_arrived() -> None:
    buffer = DepthBuffer(0.05)
    with pytest.raises(SpatialError, match="camera_info is missing, expected a message on topic camera_info"):
        buffer.match(header(1.0))
    buffer.put_info(IDEAL.info())
    with pytest.raises(SpatialError, match=r"depth is missing, expected a depth image within 0\.05 s of the image"):
        buffer.match(header(1.0))


def test_the_nearest_depth_in_time_is_taken() -> None:
    buffer = DepthBuffer(tolerance=0.05)
    buffer.put_info(IDEAL.info())
    for seconds, metres in ((0.96, 1), (1.01, 2), (1.2, 3)):
        buffer.put_depth(depth_message(np.full((48, 64), metres), seconds))
    assert buffer.match(header(1.0)).metres[0, 0] == 2
    assert buffer.match(header(0.95)).metres[0, 0] == 1
    with pytest.raises(SpatialError, match=r"depth is 0\.090 s away, expected a depth image within 0\.05 s"):
        buffer.match(header(1.11))


def test_the_depth_of_an_image_that_is_being_answered_is_kept() -> None:
    buffer = DepthBuffer(0.05)
    buffer.put_info(IDEAL.info())
    buffer.hold(header(1.0))
    buffer.put_depth(depth_message(np.full((48, 64), 1), 1.01))
    buffer.hold(header(1.0))
    for number in range(2 * REMEMBERED):
        buffer.put_depth(depth_message(np.full((48, 64), 2), 2.0 + number))
    assert buffer.match(header(1.0)).metres[0, 0] == 1
    assert buffer.match(header(2.0 + number)).metres[0, 0] == 2
    buffer.hold(header(2.0 + number))
    with pytest.raises(SpatialError, match="depth is"):
        buffer.match(header(1.0))


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_of_equal_stamps_the_newest_depth_is_taken(seconds: float) -> None:
    buffer = DepthBuffer(0.05)
    buffer.put_info(IDEAL.info())
    for metres in (1, 2, 3):
        buffer.put_depth(depth_message(np.full((48, 64), metres), seconds))
    assert buffer.match(header(seconds)).metres[0, 0] == 3


def test_a_camera_info_without_a_frame_contradicts_nobody() -> None:
    match(info=IDEAL.info(""))
    match(info=IDEAL.info(f"/{COLOR}"))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("/camera/color/image_raw", False),
        ("/image", False),
        ("/camera/image_rect_color", True),
        ("/camera/depth/image_rect_raw", True),
        ("/rectified/image", True),
        ("/direct/image", False),
        ("/rgb/rect/image", True),
        ("/rectory/camera/image_raw", False),
        ("/rectangle_finder/image", False),
        ("/wide/IMAGE_RECT", True),
    ],
)
def test_the_name_of_a_topic_tells_whether_it_is_rectified(topic: str, expected: bool) -> None:
    assert is_rectified(BARREL.info(), topic) == expected


def test_intrinsics_of_the_images_size() -> None:
    same, half = camera_of(BARREL.info(), 320, 240), camera_of(BARREL.info(), 160, 120, rectified=False)
    assert (same.fx, same.fy, same.cx, same.cy) == (215, 214, 155.5, 125.5)
    assert (half.fx, half.fy, half.cx, half.cy) == (130, 128.75, 79.625, 60.875)


def test_a_rotation_of_the_rectified_frame_is_applied_to_raw_images() -> None:
    turn = turn_about("y", 3.0)
    raw = camera_of(IDEAL.info(r=turn.ravel().tolist()), 320, 240, rectified=False)
    pixels, depth = np.array([[10, 20], [120, 160]]), np.array([1.0, 2.0], np.float32)
    straight = camera_of(IDEAL.info(), 320, 240, rectified=False).points(pixels, depth)
    np.testing.assert_allclose(raw.points(pixels, depth), straight @ turn.T)
    np.testing.assert_allclose(raw.pixels(raw.points(pixels, depth)), pixels[:, ::-1] + 0.5)


def test_coefficients_filled_up_with_zeros_are_left_out() -> None:
    camera = camera_of(BARREL.info(d=[*BARREL.d, 0.0, 0.0, 0.0]), 320, 240, rectified=False)
    assert camera.distortion == BARREL.d


@pytest.mark.parametrize("lens", [BARREL, RATIONAL, FISHEYE])
def test_pixels_and_points_are_there_and_back(lens: Lens) -> None:
    camera = camera_of(lens.info(), lens.width, lens.height, rectified=False)
    rows, columns = np.mgrid[0 : lens.height : 23, 0 : lens.width : 29]
    pixels = np.stack([rows.ravel(), columns.ravel()], axis=1)
    points = camera.points(pixels, np.full(len(pixels), 1.5, np.float32))
    np.testing.assert_allclose(points[:, :2] / 1.5, lens.rays()[pixels[:, 0], pixels[:, 1]], atol=1e-4)
    np.testing.assert_allclose(camera.pixels(points), pixels[:, ::-1] + 0.5, atol=0.01)


def test_points_that_a_lens_folds_back_are_not_seen() -> None:
    camera = camera_of(replace(BARREL, d=(-0.4, 0.0, 0.0, 0.0, 0.0)).info(), 320, 240, rectified=False)
    far = np.array([[1.55, 0.0, 1.0], [0.0, 0.0, -1.0], [0.1, 0.1, 1.0]])
    assert np.isnan(camera.pixels(far)).any(axis=1).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("turn", "move"), [((0, 0, 0, 0), (0, 0, 0)), ((0, 0, 0, 1), (math.nan, 0, 0)), ((0, 0, 1, 1), (0, 0, 0))]
)
def test_transforms_that_are_none(turn: tuple[float, ...], move: tuple[float, ...]) -> None:
    rotation = SimpleNamespace(**dict(zip("xyzw", turn, strict=True)))
    transform = SimpleNamespace(rotation=rotation, translation=SimpleNamespace(**dict(zip("xyz", move, strict=True))))
    with pytest.raises(SpatialError, match="transform is turned by"):
        Rigid.of(transform)


def test_a_quaternion_is_read_as_the_rotation_it_is() -> None:
    half = math.radians(30) / 2
    transform = SimpleNamespace(
        rotation=SimpleNamespace(x=0.0, y=math.sin(half), z=0.0, w=math.cos(half)),
        translation=SimpleNamespace(x=1.0, y=2.0, z=3.0),
    )
    found = Rigid.of(transform)
    np.testing.assert_allclose(found.rotation, turn_about("y", 30), atol=1e-12)
    np.testing.assert_allclose(found.applied(np.array([[0.0, 0.0, 1.0]])), [[1.5, 2.0, 3 + math.sqrt(3) / 2]])
