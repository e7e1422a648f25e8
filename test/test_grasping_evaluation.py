"""The judges of boxes and grasps: exact boxes, contacts and collisions."""

from __future__ import annotations

import ctypes.util
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from mdsm_ros.homes.camera_effects.depth import measured
from mdsm_ros.homes.furnishing import options
from mdsm_ros.homes.furnishing.stock import StockOptions
from mdsm_ros.manipulation.box import OrientedBox
from mdsm_ros.manipulation.gripper import Gripper
from mdsm_ros.manipulation.noise import DepthNoise
from training.cli import main
from training.evaluation.grasping import command
from training.evaluation.grasping.boxes import best_iou, exact_box, iou, is_round
from training.evaluation.grasping.command import summarize
from training.evaluation.grasping.contact import GraspPose, is_antipodal, is_free, touches
from training.evaluation.grasping.judge import Conditions, judge
from training.evaluation.grasping.predicted import Predictor

CUBE = OrientedBox(np.zeros(3), np.eye(3), np.ones(3))
ABOVE = np.stack([(0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0)], axis=1)  # from above, closing along x
DOWN = GraspPose(np.array([0.0, 0.0, 0.02]), ABOVE, 0.08)
BLOCK = trimesh.creation.box((0.05, 0.05, 0.06))
turned = trimesh.transformations.rotation_matrix


@pytest.mark.parametrize(("shift", "expected"), [(0.0, 1.0), (0.5, 1 / 3), (2.0, 0.0)])
def test_overlap_of_boxes(shift: float, expected: float) -> None:
    moved = OrientedBox(np.array([shift, 0, 0]), np.eye(3), np.ones(3))
    assert iou(CUBE, moved) == pytest.approx(expected, abs=0.01)
    inside = OrientedBox(np.zeros(3), np.eye(3), np.full(3, 0.5))
    assert iou(CUBE, inside) == pytest.approx(iou(inside, CUBE), abs=0.01) == pytest.approx(1 / 8, abs=0.01)


def test_the_exact_box_is_turned_with_the_object() -> None:
    mesh = trimesh.creation.box((0.3, 0.1, 0.2)).apply_transform(turned(0.4, (0, 0, 1))).apply_translation((1, 2, 3))
    box = exact_box(np.asarray(mesh.vertices))
    np.testing.assert_allclose(box.center, (1, 2, 3), atol=1e-9)
    np.testing.assert_allclose(box.size, (0.3, 0.1, 0.2), atol=1e-9)
    assert np.linalg.det(box.axes) == pytest.approx(1.0)
    assert abs(box.axes[:, 0] @ (np.cos(0.4), np.sin(0.4), 0)) == pytest.approx(1.0)


def test_boxes_of_round_things_may_be_turned() -> None:
    can, block = trimesh.creation.cylinder(0.05, 0.1), trimesh.creation.box((0.1, 0.1, 0.1))
    assert is_round(np.asarray(can.vertices), exact_box(np.asarray(can.vertices)))
    assert not is_round(np.asarray(block.vertices), exact_box(np.asarray(block.vertices)))
    diagonal = OrientedBox(np.zeros(3), turned(np.pi / 4, (0, 0, 1))[:3, :3], np.ones(3))
    assert best_iou(diagonal, CUBE, turns_freely=False) < 0.75
    assert best_iou(diagonal, CUBE, turns_freely=True) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("triangle", "expected"),
    [
        ([(-3, -3, 0), (3, -3, 0), (0, 5, 0)], True),  # through the box, all corners outside
        ([(-3, -3, 2), (3, -3, 2), (0, 5, 2)], False),
        ([(2.5, 0, 0), (0, 2.5, 0), (2.5, 2.5, 0)], False),  # only the plane of the edge separates them
        ([(0, 0, 0), (0.1, 0, 0), (0, 0.1, 0)], True),
    ],
)
def test_a_triangle_touches_a_box(triangle: list[tuple[float, float, float]], expected: bool) -> None:
    assert touches(np.array([triangle], float), -np.ones(3), np.ones(3)) == expected


def test_fingers_hold_parallel_sides_and_no_edges() -> None:
    assert is_antipodal(DOWN, BLOCK)
    corner = BLOCK.copy().apply_transform(turned(np.pi / 4, (0, 0, 1)))
    assert is_antipodal(DOWN, corner) == pytest.approx(False)
    assert not is_antipodal(DOWN, BLOCK.copy().apply_translation((0, 0.5, 0)))  # between the fingers is nothing
    assert not is_antipodal(DOWN, trimesh.creation.cone(0.04, 0.06).apply_translation((0, 0, -0.02)))


def test_the_gripper_is_free_of_what_it_holds_and_hits_what_is_in_its_way() -> None:
    gripper = Gripper()
    assert is_free(DOWN, BLOCK.triangles, gripper)
    assert not is_free(DOWN, BLOCK.copy().apply_translation((0.02, 0, 0)).triangles, gripper)
    assert not is_free(GraspPose(DOWN.position - (0, 0, 0.05), ABOVE, 0.08), BLOCK.triangles, gripper)  # the palm
    wall = trimesh.creation.box((1, 1, 0.01)).apply_translation((0, 0, 0.1))
    assert not is_free(DOWN, wall.triangles, gripper)


def test_depth_cameras_err_more_far_away() -> None:
    rng = np.random.default_rng(0)
    near, far = (measured(np.full((200, 200), z, np.float32), rng, 0.002) - z for z in (1.0, 2.0))
    assert np.nanstd(near) == pytest.approx(0.002, rel=0.05)
    assert np.nanstd(far) == pytest.approx(0.008, rel=0.05)
    assert np.isnan(near).mean() == pytest.approx(0.02, abs=0.005)
    step = np.full((50, 50), 1.0, np.float32)
    step[:, 25:] = 2.0
    between = measured(step, rng)
    assert ((between > 1.1) & (between < 1.9)).any()


def record(**changes: object) -> dict[str, object]:
    grasp = {"score": 0.5, "antipodal": True, "free": True}
    known = {"iou": 0.8, "box_error": 0.01, "centroid_error": 0.002, "mahalanobis": 1.0, "support": True}
    return known | {"fits": True, "seconds": 0.1, "grasps": [grasp], "reason": "", "mask_iou": 0.9} | changes


def test_the_summary_counts_frames_without_a_box_or_a_grasp_as_failures() -> None:
    nothing = record(iou=None, box_error=None, centroid_error=None, mahalanobis=None, support=None, grasps=[])
    slips = record(grasps=[{"score": 0.5, "antipodal": False, "free": True}])
    summary = summarize([record(), record(fits=False, grasps=[]), nothing, slips | {"mask_iou": 0.2}])
    assert summary["frames"] == 4
    assert summary["frames without a box"] == 1
    assert summary["best candidate antipodal and free, of all that fit"] == pytest.approx(1 / 3, abs=0.001)
    assert summary["of these with a candidate"] == pytest.approx(2 / 3, abs=0.001)
    assert summary["box IoU, median (without a box: 0)"] == 0.8
    assert summary["masks with an IoU of 0.5 or more"] == 0.75
    assert summary["best candidate antipodal and free, of these"] == 0.5
    assert summarize([])["best candidate free"] is None


def test_a_folder_has_records_of_one_choice_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stock = StockOptions(tmp_path, "1", "seen", tmp_path, "abc")
    monkeypatch.setattr(options, "chosen_stock", lambda *_: stock)
    monkeypatch.setattr(command, "home_frames", lambda *_, **__: ())
    monkeypatch.setattr(command, "SEEDS_PER_SPLIT", 1)
    arguments = ["grasps", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    for changes, told in (
        ({"models": "all"}, "models 'seen', now it is 'all'"),
        ({"pictures_digest": "x"}, "pictures 'abc'"),
        ({"version": "2"}, "library_version '1'"),
    ):
        monkeypatch.setattr(options, "chosen_stock", lambda *_, c=changes: dataclasses.replace(stock, **c))
        assert main(arguments) == 2
        assert told in capsys.readouterr().err
    assert main([*arguments, "--model", "mdsm-small", "--mask-margin", "2"]) == 2
    assert "--mask-margin is 2, expected none" in capsys.readouterr().err


@pytest.mark.render
def test_homes_are_judged_by_meshes_that_are_where_they_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        pytest.skip("rendering needs libegl1 and libgl1-mesa-dri")
    from mdsm_ros.homes.generate import SPLIT_SEEDS
    from training.evaluation.grasping.frames import home_frames
    from training.evaluation.grasping.meshes import item_mesh

    frame = next(home_frames(SPLIT_SEEDS["test"], None))
    turn, origin = frame.to_room()
    rows, columns = (pixels[::25] for pixels in np.nonzero(frame.mask))
    camera = frame.camera
    rays = np.stack([(columns + 0.5 - camera.cx) / camera.fx, (rows + 0.5 - camera.cy) / camera.fy], axis=1)
    rays = np.c_[rays, np.ones(len(rays))] @ turn.T
    mesh = item_mesh(frame.room.items[frame.item])
    places, hit, _ = mesh.ray.intersects_location(np.tile(origin, (len(rays), 1)), rays, multiple_hits=False)
    depth = ((places - origin) @ turn)[:, 2]
    assert len(hit) > 0.9 * len(rays)
    assert np.percentile(np.abs(depth - frame.depth[rows, columns][hit]), 90) < 0.003

    arguments = ["grasps", "--out", str(tmp_path), "--frames", "2", "--library", "none"]
    assert main(arguments) == 0
    assert "frames: 2" in capsys.readouterr().out
    records = json.loads(next(tmp_path.glob("home_*.json")).read_text())
    assert records[0]["kind"] == frame.room.items[frame.item].kind
    began = {path: path.stat().st_mtime_ns for path in tmp_path.glob("home_*.json")}
    assert main(arguments) == 0  # nothing is rendered again
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("home_*.json")} == began
    assert main([*arguments, "--gravity"]) == 2
    assert "records with gravity False, now it is True: expected the same, or another" in capsys.readouterr().err


@pytest.mark.render
def test_masks_of_a_model_are_asked_for_by_a_sentence_about_the_object() -> None:
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        pytest.skip("rendering needs libegl1 and libgl1-mesa-dri")
    from mdsm_ros.homes.generate import SPLIT_SEEDS
    from mdsm_ros.inference.answer import Segmentation
    from training.evaluation.grasping.frames import GraspFrame, home_frames

    asked: list[str] = []

    class Segmenter:
        """Finds the left half of every object."""

        def __init__(self, frame: GraspFrame) -> None:
            self.mask = frame.mask.copy()
            self.mask[:, int(np.median(np.nonzero(frame.mask)[1])) :] = False

        def segment(self, image: np.ndarray, instruction: str) -> Segmentation:
            assert image.shape == (*self.mask.shape, 3)
            asked.append(instruction)
            return Segmentation(self.mask, self.mask.astype(np.float32), None, 0.9, True, "refined", {})

    conditions = Conditions(Gripper(), DepthNoise())
    for number, frame in enumerate(home_frames(SPLIT_SEEDS["test"], None, pictures=True)):
        predictor: Any = Predictor(Segmenter(frame))  # type: ignore[arg-type]
        prediction = predictor.predict(frame, np.random.default_rng(number))
        if prediction is not None:
            break
    assert prediction is not None
    assert asked == [prediction.instruction]
    found = judge(frame, SPLIT_SEEDS["test"], number, conditions, prediction)
    assert found["instruction"] == prediction.instruction
    assert found["mask_iou"] == pytest.approx(0.5, abs=0.1)
    assert found["kind"] == frame.room.items[frame.item].kind
