from __future__ import annotations

import ctypes.util
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.homes import CATEGORIES
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.layout import build_home

pytest.importorskip("mujoco", reason="needs the extra [sim]")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

from small_homes import two_rooms

from mdsm_ros.homes.generate import SPLIT_SEEDS, Sample, home_samples
from mdsm_ros.homes.views.cameras import camera_path
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer
from mdsm_ros.homes.views.seen import TARGET_AREA
from training import cli

pytestmark = pytest.mark.render

SEEDS = range(SPLIT_SEEDS["test"], SPLIT_SEEDS["test"] + 4)


@pytest.fixture(scope="module")
def samples(views_of_homes: list[Sample]) -> list[Sample]:
    return views_of_homes


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of six views that ``mdsm-data homes`` has written."""
    out = tmp_path_factory.mktemp("homes") / "val"
    with two_rooms():
        assert cli.main(["homes", "--out", str(out), "--split", "val", "--images", "6", "--size", "160x120"]) == 0
    return out


def test_enough_kinds_of_things_and_rooms() -> None:
    assert len(OBJECTS) >= 30
    assert len(set(CATEGORIES)) == len(CATEGORIES)
    kinds = {room.kind for seed in range(20) for room in build_home(seed).rooms}
    assert {"bedroom", "living room", "kitchen", "bathroom", "office"} <= kinds


def test_same_seed_same_pixels_and_words(samples: list[Sample]) -> None:
    with two_rooms():
        again = home_samples(SEEDS[0])
    for first, second in zip(samples, again, strict=False):
        np.testing.assert_array_equal(first.view.rgb, second.view.rgb)
        np.testing.assert_array_equal(first.view.items, second.view.items)
        assert first.sentences == second.sentences
    assert again


def test_nothing_floats_or_sticks_in_the_floor() -> None:
    for seed in SEEDS:
        for room in build_home(seed).rooms:
            for item in room.items:
                assert item.position[2] >= 0
                if item.support is not None:
                    holder = room.items[item.support]
                    tops = [surface.z for surface in holder.surfaces] + [holder.height]
                    assert any(abs(item.position[2] - top) < 1e-6 for top in tops)
                elif item.place not in ("wall", "ceiling"):
                    assert item.position[2] == 0


def test_several_of_a_kind_are_in_view_most_of_the_time(samples: list[Sample]) -> None:
    doubled = [len({s.kind for s in sample.seen}) < len(sample.seen) for sample in samples]
    assert np.mean(doubled) > 0.5


def test_targets_are_large_enough(samples: list[Sample]) -> None:
    for sample in samples:
        for sentence in sample.sentences:
            if sentence.target is not None:
                assert (sample.view.items == sentence.target).mean() >= TARGET_AREA


def test_depth_and_intrinsics_put_pixels_on_their_item(samples: list[Sample]) -> None:
    """Back-projected pixels of an object lie inside its bounding cylinder, within 2 cm."""
    checked = 0
    for sample in samples[:10]:
        view, camera = sample.view, sample.view.camera
        assert view.depth is not None
        for seen in sample.seen:
            if not seen.target or sample.room.items[seen.index].furniture:
                continue
            item = sample.room.items[seen.index]
            rows, columns = np.nonzero(view.items == seen.index)
            z = view.depth[rows, columns]
            x = (columns + 0.5 - camera.cx) / camera.fx * z
            y = (rows + 0.5 - camera.cy) / camera.fy * z
            points = np.stack([x, -y, -z], axis=1) @ view.pose.axes().T + view.pose.position
            radius = np.hypot(*(points[:, :2] - item.position[:2]).T)
            inside = radius < np.hypot(*item.extent) + 0.02
            height = points[:, 2] - item.position[2]
            inside &= (height > -0.02) & (height < item.height + 0.02)
            assert inside.mean() > 0.97, item.kind  # a mask's border pixel may hold the depth of what is behind
            checked += 1
    assert checked > 10


def test_masks_follow_a_moving_camera() -> None:
    room = build_home(SPLIT_SEEDS["demo"]).rooms[0]
    poses = list(camera_path(room, np.random.default_rng(0), frames=12))
    assert len(poses) == 12
    steps = np.linalg.norm(np.diff([p.position for p in poses], axis=0), axis=1)
    assert steps.max() < 0.5
    with RoomRenderer(room, 160, 120) as renderer:
        first, second = (renderer.render(pose, depth=False) for pose in poses[:2])
    both = set(np.unique(first.items)) & set(np.unique(second.items)) - {-1}
    assert both


def test_axes_of_a_camera_are_a_rotation() -> None:
    axes = CameraPose((0.5, -1.0, 1.2), (0.0, 0.3, 0.7), 60.0).axes()
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)


def test_written_in_the_dataset_format(written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = Dataset(written)
    assert len(data.images) == 6
    assert set(data.categories.values()) == set(CATEGORIES)
    for instruction in data.split("val"):
        assert data.mask(instruction).any() == bool(instruction.annotation_ids)
        assert data.image(instruction.image_id).shape == (120, 160, 3)
        depth = data.depth(instruction.image_id)
        assert depth is not None
        assert 0.1 < np.median(depth) < 8
    assert cli.main(["view", str(written), "--out", str(tmp_path / "sheet.png"), "--count", "4"]) == 0
    assert (tmp_path / "sheet.png").stat().st_size > 10_000
    assert cli.main(["view", str(written), "--ascii", "--count", "2"]) == 0
    assert "#" in capsys.readouterr().out


def test_more_is_said_and_more_of_what_is_not_in_view(written: Path, tmp_path: Path) -> None:
    options = ["--split", "val", "--images", "6", "--size", "160x120", "--no-depth"]
    more = tmp_path / "more"
    with two_rooms():
        assert cli.main(["homes", "--out", str(more), *options, "--sentences", "20", "--absent-share", "0.5"]) == 0
    few, many = Dataset(written).split("val"), Dataset(more).split("val")
    assert len(many) > len(few)
    assert np.mean([not i.annotation_ids for i in many]) > np.mean([not i.annotation_ids for i in few])


@pytest.mark.parametrize("option", [("--sentences", "0"), ("--absent-share", "1.5")])
def test_refuses_impossible_talk(option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["homes", "--out", str(tmp_path / "d"), *option])
    assert "out of range" in capsys.readouterr().err
