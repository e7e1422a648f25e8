"""Boxes, grasps and covariances of objects on a table, whose depth is computed by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from mdsm_ros.errors import ParameterError
from mdsm_ros.geometry import Camera
from mdsm_ros.homes.camera_effects.depth import measured
from mdsm_ros.manipulation.box import free_box, upright_box
from mdsm_ros.manipulation.gripper import Gripper, samples
from mdsm_ros.manipulation.noise import DepthNoise, centroid
from mdsm_ros.manipulation.support import Plane
from mdsm_ros.manipulation.target import PLANE_ONLY, Target, describe

CAMERA = Camera(fx=300.0, fy=300.0, cx=160.0, cy=120.0)
SHAPE = (240, 320)
Masked = tuple[NDArray[np.bool_], NDArray[np.float32]]


@dataclass(frozen=True)
class Box:
    """An upright box, or a cylinder in it, on the table; metres."""

    at: tuple[float, float]
    size: tuple[float, float, float]
    turned: float = 0.0
    cylinder: bool = False

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance (N,) along rays, infinite where they miss."""
        cos, sin = np.cos(self.turned), np.sin(self.turned)
        turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        start = turn @ (origin - (*self.at, self.size[2] / 2))
        rays = rays @ turn.T + 1e-12
        half = np.array(self.size) / 2
        one, other = (-half - start) / rays, (half - start) / rays
        near, far = np.minimum(one, other), np.maximum(one, other)
        if self.cylinder:
            a, b = (rays[:, :2] ** 2).sum(axis=1), rays[:, :2] @ start[:2]
            root = np.sqrt(np.maximum(b**2 - a * (start[:2] @ start[:2] - half[0] ** 2), 0.0))
            missed = root == 0
            near = np.stack([np.where(missed, np.inf, (-b - root) / a), near[:, 2]], axis=1)
            far = np.stack([np.where(missed, -np.inf, (-b + root) / a), far[:, 2]], axis=1)
        enter, leave = near.max(axis=1), far.min(axis=1)
        return np.where((enter <= leave) & (enter > 0), enter, np.inf)


@dataclass(frozen=True)
class Table:
    """A camera that looks down on a table at the world's origin, z up."""

    pitch: float = 35.0
    distance: float = 0.7

    @property
    def turn(self) -> NDArray[np.float64]:
        """From the camera's optical frame to the world's; the camera looks along the world's y."""
        down = np.deg2rad(self.pitch)
        forward = np.array([0.0, np.cos(down), -np.sin(down)])
        return np.stack([(1.0, 0.0, 0.0), np.cross(forward, (1.0, 0.0, 0.0)), forward], axis=1)

    @property
    def origin(self) -> NDArray[np.float64]:
        return np.asarray(-self.distance * self.turn[:, 2])

    def to_world(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = points @ self.turn.T + self.origin
        return moved

    def seen(self, target: Box, *others: Box) -> Masked:
        """Mask of the target and depth of all."""
        rows, columns = np.indices(SHAPE)
        rays = np.stack([(columns + 0.5 - CAMERA.cx) / CAMERA.fx, (rows + 0.5 - CAMERA.cy) / CAMERA.fy], -1)
        world = np.concatenate([rays.reshape(-1, 2), np.ones((rows.size, 1))], axis=1) @ self.turn.T
        plane = np.where(world[:, 2] < 0, -self.origin[2] / np.minimum(world[:, 2], -1e-9), np.inf)
        hits = [thing.hit(self.origin, world) for thing in (target, *others)]
        depth = np.minimum(plane, np.min(hits, axis=0))
        mask = (hits[0] == depth) & np.isfinite(depth)
        return mask.reshape(SHAPE), np.where(depth < 5, depth, np.nan).reshape(SHAPE).astype(np.float32)


TABLE = Table()
BLOCK = Box((0.0, 0.0), (0.1, 0.05, 0.12), turned=0.5)
CAN = Box((0.02, 0.01), (0.066, 0.066, 0.11), cylinder=True)


def wide(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3))))


def found(thing: Box, *others: Box, table: Table = TABLE) -> Target:
    mask, depth = table.seen(thing, *others)
    outcome = describe(wide(mask), measured(depth, np.random.default_rng(0), 0.001), CAMERA, noise=DepthNoise(0.001))
    assert outcome.target is not None, outcome.reason
    return outcome.target


@pytest.mark.parametrize("thing", [BLOCK, CAN], ids=["block", "can"])
@pytest.mark.parametrize("pitch", [15.0, 35.0, 60.0])
def test_the_box_is_complete_and_stands_on_the_table(thing: Box, pitch: float) -> None:
    table = Table(pitch)
    target = found(thing, table=table)
    assert target.support is not None
    np.testing.assert_allclose(table.turn @ target.support.normal, [0, 0, 1], atol=0.03)
    np.testing.assert_allclose(table.turn @ target.box.axes[:, 2], [0, 0, 1], atol=0.03)
    np.testing.assert_allclose(table.to_world(target.box.center), (*thing.at, thing.size[2] / 2), atol=0.008)
    np.testing.assert_allclose(target.box.size, thing.size, atol=0.012)
    if not thing.cylinder:
        x = table.turn @ target.box.axes[:, 0]
        assert abs(x @ (np.cos(thing.turned), np.sin(thing.turned), 0.0)) > np.cos(0.1)


@pytest.mark.parametrize("thing", [BLOCK, CAN], ids=["block", "can"])
def test_grasps_are_ranked_close_on_the_object_and_miss_the_table(thing: Box) -> None:
    target, gripper = found(thing), Gripper()
    assert 1 <= len(target.grasps) <= 5
    assert target.no_grasp == ""
    scores = [grasp.score for grasp in target.grasps]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for grasp in target.grasps:
        np.testing.assert_allclose(grasp.axes.T @ grasp.axes, np.eye(3), atol=1e-9)
        assert np.linalg.det(grasp.axes) == pytest.approx(1.0)
        assert 0.04 < grasp.width < grasp.opening <= gripper.max_width
        across = grasp.contacts[1] - grasp.contacts[0]
        np.testing.assert_allclose(across / np.linalg.norm(across), grasp.axes[:, 1], atol=1e-9)
        assert np.linalg.norm(grasp.contacts.mean(axis=0) - grasp.position) < 0.025
        body = samples(gripper.bodies(np.array([grasp.opening])))[0] @ grasp.axes.T + grasp.position
        assert TABLE.to_world(body)[:, 2].min() > 0
        assert (TABLE.turn @ grasp.axes[:, 0])[2] < 0.25  # not from below


def test_fingers_stay_out_of_a_neighbour() -> None:
    """A can that stands 12 mm beside another has no room for a finger between both."""
    neighbour = Box((CAN.at[0] + 0.078, CAN.at[1]), CAN.size, cylinder=True)
    target, gripper = found(CAN, neighbour), Gripper()
    assert target.grasps
    for grasp in target.grasps:
        body = samples(gripper.bodies(np.array([grasp.opening])), (9, 5, 5))[0] @ grasp.axes.T + grasp.position
        world = TABLE.to_world(body)
        inside = np.linalg.norm(world[:, :2] - neighbour.at, axis=1) < neighbour.size[0] / 2 - 0.002
        assert not (inside & (world[:, 2] < neighbour.size[2] - 0.002)).any()


def test_what_is_too_wide_has_no_grasp_but_a_box() -> None:
    target = found(Box((0.0, 0.0), (0.16, 0.12, 0.1)))
    assert target.grasps == ()
    assert "0.085 m apart" in target.no_grasp
    np.testing.assert_allclose(target.box.size, (0.16, 0.12, 0.1), atol=0.012)


def test_a_narrow_gripper_needs_narrow_things() -> None:
    mask, depth = TABLE.seen(CAN)
    outcome = describe(mask, depth, CAMERA, gripper=Gripper(max_width=0.05))
    assert outcome.target is not None
    assert all(grasp.opening <= 0.05 for grasp in outcome.target.grasps)
    assert "0.05 m apart" in outcome.target.no_grasp or outcome.target.grasps


def test_the_same_input_gives_the_same_answer() -> None:
    first, second = found(BLOCK), found(BLOCK)
    np.testing.assert_array_equal(first.box.center, second.box.center)
    np.testing.assert_array_equal(first.covariance, second.covariance)
    for one, other in zip(first.grasps, second.grasps, strict=True):
        np.testing.assert_array_equal(one.position, other.position)
        assert one.score == other.score


def test_gravity_makes_the_box_upright_where_no_plane_is_seen() -> None:
    mask, depth = TABLE.seen(BLOCK)
    alone = np.where(mask, depth, np.nan).astype(np.float32)
    up = TABLE.turn.T @ (0.0, 0.0, 1.0)
    outcome = describe(mask, alone, CAMERA, up=up)
    assert outcome.target is not None
    assert outcome.target.support is None
    np.testing.assert_allclose(outcome.target.box.axes[:, 2], up, atol=1e-9)
    np.testing.assert_allclose(outcome.target.box.size, BLOCK.size, atol=0.015)
    free = describe(mask, alone, CAMERA).target
    assert free is not None
    assert free.box.size[0] >= free.box.size[1] >= free.box.size[2] > 0


def test_a_wall_is_no_support_where_gravity_is_known() -> None:
    mask, depth = TABLE.seen(BLOCK)
    outcome = describe(mask, depth, CAMERA, up=TABLE.turn.T @ (1.0, 0.0, 0.0))
    assert outcome.target is not None
    assert outcome.target.support is None


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask": np.zeros(SHAPE, dtype=bool)}, "the mask has 0 pixels, expected 30 or more"),
        ({"mask": np.eye(3, dtype=bool)}, "the depth has shape (240, 320), expected that of the mask, (3, 3)"),
        ({"mask": np.ones(SHAPE, dtype=np.uint8)}, "the mask is uint8 of shape (240, 320)"),
        ({"depth": np.full(SHAPE, np.nan, np.float32)}, "the depth has 0 measurements in the mask"),
        ({"depth": np.zeros(SHAPE, np.float32)}, "the depth has 0 measurements in the mask"),
        ({"depth": np.full(SHAPE, -1.0, np.float32)}, "the depth has 0 measurements in the mask"),
        ({"depth": np.full(SHAPE, np.inf, np.float32)}, "the depth has 0 measurements in the mask"),
        ({"camera": Camera(0.0, 300.0, 160.0, 120.0)}, "expected finite intrinsics"),
        ({"camera": Camera(300.0, 300.0, np.nan, 120.0)}, "expected finite intrinsics"),
        ({"probability": np.ones((2, 2))}, "the probability has shape (2, 2)"),
        ({"up": np.zeros(3)}, "expected three finite numbers"),
    ],
)
def test_input_that_shows_nothing_has_a_reason(change: dict[str, object], reason: str) -> None:
    mask, depth = TABLE.seen(BLOCK)
    given = {"mask": mask, "depth": depth, "camera": CAMERA, "probability": None, "up": None} | change
    outcome = describe(**given)  # type: ignore[arg-type]
    assert outcome.target is None
    assert reason in outcome.reason


def test_a_plane_is_no_object() -> None:
    mask, depth = TABLE.seen(Box((5.0, 5.0), (0.1, 0.1, 0.1)))
    assert not mask.any()
    mask[100:140, 140:180] = True
    outcome = describe(mask, measured(depth, np.random.default_rng(0)), CAMERA)
    assert (outcome.target, outcome.reason) == (None, PLANE_ONLY)
    everything = describe(np.ones(SHAPE, dtype=bool), np.ones(SHAPE, np.float32), CAMERA)
    assert (everything.target, everything.reason) == (None, PLANE_ONLY)


def test_a_flat_object_stands_out_of_its_table() -> None:
    mask, depth = TABLE.seen(Box((0.0, 0.0), (0.15, 0.075, 0.009)))
    outcome = describe(wide(mask), measured(depth, np.random.default_rng(0)), CAMERA)
    assert outcome.target is not None, outcome.reason
    np.testing.assert_allclose(outcome.target.box.size, (0.15, 0.075, 0.009), atol=0.012)


@pytest.mark.parametrize("seed", range(12))
def test_no_input_raises(seed: int) -> None:
    """Lines, dust, clouds of nothing: a target is finite and not at the origin, or there is a reason."""
    rng = np.random.default_rng(seed)
    shape = (40, 60)
    depth = rng.choice([0.3, 1.0, 2.0]) + rng.normal(0, rng.choice([0.0, 1e-6, 0.1, 10.0]), shape)
    depth[rng.random(shape) < rng.choice([0.0, 0.5, 0.9])] = rng.choice([np.nan, np.inf, -np.inf, 0.0, 1e30, 1e-9])
    masks = [rng.random(shape) < 0.2, np.zeros(shape, bool), np.zeros(shape, bool), np.ones(shape, bool)]
    masks[1][20], masks[2][:, 30] = True, True
    with np.errstate(all="ignore"):
        for mask in masks:
            probability = rng.choice([0.0, 0.5, 1.0, np.nan], shape)
            outcome = describe(mask, depth.astype(np.float32), CAMERA, probability=probability)
            if outcome.target is None:
                assert outcome.reason
                continue
            assert np.isfinite(outcome.target.box.corners()).all()
            assert np.isfinite(outcome.target.covariance).all()
            assert outcome.target.centroid[2] > 0


@pytest.mark.parametrize("field", ["max_width", "finger_length", "friction"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_gripper_has_sizes(field: str, value: float) -> None:
    with pytest.raises(ParameterError, match=f"gripper {field} is {value}, expected a number above 0"):
        Gripper(**{field: value})


def test_noise_is_no_less_than_none() -> None:
    with pytest.raises(ParameterError, match="depth noise coefficient is -1"):
        DepthNoise(-1)


# -- covariance --------------------------------------------------------------------------------------------------------

NONE = np.zeros((0, 3))


def test_the_covariance_of_the_depth_is_what_repeating_shows() -> None:
    rng = np.random.default_rng(0)
    rays = np.c_[rng.uniform(-0.3, 0.3, (200, 2)), np.ones(200)]
    points, noise = rays * rng.uniform(0.8, 1.2, (200, 1)), DepthNoise(0.01, bias=0.0, patch=1.0)
    _, covariance = centroid(points, np.ones(200), NONE, np.zeros(0), noise)
    errors = rng.normal(size=(4000, 200)) * noise.sigma(points[:, 2])
    repeated = ((points + errors[..., None] * rays).mean(axis=1) - points.mean(axis=0)).T
    np.testing.assert_allclose(covariance, np.cov(repeated), rtol=0.15, atol=1e-8)


def test_doubt_about_the_mask_and_distance_make_the_place_less_certain() -> None:
    points = np.c_[np.random.default_rng(0).uniform(-0.05, 0.05, (500, 2)), np.ones(500)]
    sure = centroid(points, np.ones(500), NONE, np.zeros(0), DepthNoise())[1]
    unsure = centroid(points, np.full(500, 0.6), NONE, np.zeros(0), DepthNoise())[1]
    far = centroid(2 * points, np.ones(500), NONE, np.zeros(0), DepthNoise())[1]
    cleaned = centroid(points, np.ones(500), points[:100] + np.array([0.1, 0.0, 0.0]), np.ones(100), DepthNoise())[1]
    for more in (unsure, far, cleaned):
        assert np.linalg.eigvalsh(more - sure).min() > -1e-12
        assert np.trace(more) > np.trace(sure)
    assert np.linalg.eigvalsh(sure).min() > 0


# -- boxes -------------------------------------------------------------------------------------------------------------


def test_boxes_of_degenerate_points() -> None:
    line = np.linspace((0, 0, 1), (0.1, 0, 1), 50)
    for box in (free_box(line), upright_box(line, Plane(np.array([0.0, -1.0, 0.0]), 0.02))):
        np.testing.assert_allclose(box.axes.T @ box.axes, np.eye(3), atol=1e-9)
        assert np.linalg.det(box.axes) == pytest.approx(1.0)
        assert box.size[0] == pytest.approx(0.1, abs=0.005)
        assert (box.size > 0).all()


def test_corners_are_those_of_the_box() -> None:
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    points = rng.uniform(-0.5, 0.5, (20000, 3)) * (0.3, 0.2, 0.1) @ turn.T + (0, 0, 1)
    corners = free_box(points).corners()
    truth = (np.stack(np.meshgrid(*[(-0.5, 0.5)] * 3), -1).reshape(-1, 3) * (0.3, 0.2, 0.1)) @ turn.T + (0, 0, 1)
    assert np.linalg.norm(corners[:, None] - truth, axis=-1).min(axis=1).max() < 0.01
