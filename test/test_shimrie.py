"""SHIMRIE built from a mini-house in Matterport3D's formats whose true masks and pictures MuJoCo renders, and REVERIE's
real annotations joined, where they are at hand."""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("mujoco", reason="needs the extra [sim]")
pytest.importorskip("embreex", reason="needs the extra [data]")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

import matterport_house as mini

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import PARTS_FOLDER
from mdsm_ros.errors import DatasetError
from training import cli
from training.datasets import reverie
from training.datasets.text import words
from training.shimrie import matterport, raycast, skybox
from training.shimrie.build import Options, Scan, choose_view, load_scan, target_mask
from training.shimrie.views import FOCAL, HEIGHT, WIDTH, View

pytestmark = pytest.mark.render

REAL_REVERIE = Path(__file__).parents[2] / "shared/data/reverie"
MIN_COMPARED = 400  # pixels of a mask that is compared; of a smaller one the border is too large a part
OBJECTS = 12


@dataclass(frozen=True)
class Mini:
    """Two scans on disk, and loaded; truth: the item at each pixel of the views with boxes, by scan."""

    root: Path
    houses: dict[str, mini.House]
    truth: dict[str, mini.Truth]
    loaded: dict[str, Scan]

    def arguments(self, out: Path, matterport_root: Path | None = None) -> list[str]:
        where = ["--matterport", str(matterport_root or self.root / "v1"), "--reverie", str(self.root / "reverie")]
        return ["shimrie", *where, "--out", str(out)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    root = tmp_path_factory.mktemp("mini")
    seen = mini.write_scan(root / "v1", "scanA", "bedroom", 3)
    unseen = mini.write_scan(root / "v1", "scanB", "kitchen", 8)
    truth = mini.write_annotations(
        root / "reverie", {"train": [seen], "val_seen": [seen], "val_unseen": [unseen]}, OBJECTS
    )
    houses = {"scanA": seen, "scanB": unseen}
    return Mini(root, houses, truth, {scan: load_scan(root / "v1", root / "reverie", scan) for scan in houses})


@pytest.fixture(scope="module")
def built(written: Mini, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "shimrie"
    assert cli.main(written.arguments(out)) == 0
    return out


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(a & b) / np.count_nonzero(a | b))


# -- against the renderer ----------------------------------------------------------------------------------------------


def test_ray_cast_masks_are_the_renderers(written: Mini) -> None:
    """Every object of 400 pixels and more in twelve views: IoU at least 0.98."""
    compared = []
    for scan, house in written.houses.items():
        loaded = written.loaded[scan]
        position = loaded.panoramas[house.viewpoint].pose[:3, 3]
        for index in (1, 6, 13, 16, 21, 30):
            objects = loaded.caster.objects(position, View(index))
            for item in np.unique(written.truth[scan][index]):
                truth = written.truth[scan][index] == item
                if item >= 0 and np.count_nonzero(truth) >= MIN_COMPARED:
                    compared.append((iou(truth, objects == house.object_of(int(item))), house.room.items[item].kind))
    assert len(compared) > 30
    assert min(compared)[0] >= 0.98, sorted(compared)[:5]
    print(f"mini-house: {len(compared)} masks, lowest IoU {min(compared)[0]:.4f}")


def test_pictures_from_the_skybox_are_the_renderers(written: Mini) -> None:
    house = written.houses["scanA"]
    loaded = written.loaded["scanA"]
    faces = skybox.read_skybox(loaded.skyboxes, house.viewpoint)
    rotation = loaded.panoramas[house.viewpoint].pose[:3, :3]
    values = []
    with mini.SteadyRenderer(house.room, WIDTH, HEIGHT) as renderer:
        for index in (2, 9, 15, 20, 25, 32):
            truth = renderer.render(house.pose(View(index)), depth=False).rgb.astype(float)
            picture = skybox.sample(faces, View(index).directions(), rotation)
            values.append(10 * np.log10(255**2 / ((truth - picture) ** 2).mean()))
    assert min(values) > 36
    print(f"mini-house: lowest PSNR {min(values):.1f} dB")


def test_built_masks_are_the_renderers(written: Mini, built: Path) -> None:
    """Through the whole command: each instruction's mask in the dataset against the renderer's, IoU at least 0.98."""
    data = Dataset(built)
    assert {i.split for i in data.instructions} == {"train", "val_seen", "val_unseen"}
    checked = 0
    for instruction in data.instructions:
        annotation = data.annotations[instruction.annotation_ids[0]]
        house = written.houses[data.images[instruction.image_id].scene]
        truth = written.truth[house.scan][int(annotation.attributes["view"])]
        item = next(
            i for i in range(len(house.room.items)) if house.object_of(i) == int(annotation.attributes["object"])
        )
        assert house.room.items[item].kind == annotation.attributes["name"]
        assert house.room.items[item].kind in instruction.text
        if annotation.area >= MIN_COMPARED:
            assert iou(data.mask(instruction), truth == item) >= 0.98
            checked += 1
    assert checked > 30


def test_scans_of_the_unseen_split_are_apart(built: Path) -> None:
    data = Dataset(built)
    scenes: dict[str, set[str]] = {}
    for instruction in data.instructions:
        scenes.setdefault(instruction.split, set()).add(data.images[instruction.image_id].scene)
    assert scenes == {"train": {"scanA"}, "val_seen": {"scanA"}, "val_unseen": {"scanB"}}
    assert data.info["may_share"] == [["train", "val_seen"]]


def test_instructions_are_kept_as_they_are(built: Path) -> None:
    data = Dataset(built)
    assert all("  " not in i.text for i in data.instructions)
    assert {i.origin.rsplit("_", 1)[1] for i in data.instructions} == {"0", "1"}
    assert all(i.expressions == 2 and i.difficulty for i in data.instructions)


# -- the command -------------------------------------------------------------------------------------------------------


def test_tables_are_printed(written: Mini, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*written.arguments(tmp_path / "d"), "--scans", "scanB", "--min-area", "0.1"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"train             {OBJECTS}" in printed
    assert "instructions kept" in printed
    assert "instructions dropped: too small" in printed
    assert "| mask area, % of the image, 50 % |" in printed
    data = Dataset(tmp_path / "d")
    assert all(data.mask(i).sum() >= 0.1 * WIDTH * HEIGHT for i in data.instructions)
    assert cli.main([*written.arguments(tmp_path / "e"), "--scans", "scanX"]) == 2


def test_statistics_stand_beside_reveries(
    written: Mini, built: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reverie, out = str(written.root / "reverie"), tmp_path / "stats.json"
    arguments = ["stats", str(built), "--reverie", reverie]
    assert cli.main([*arguments, "--model", str(untrained_weights), "--json", str(out)]) == 0
    columns = json.loads(out.read_text())
    assert list(columns) == [str(built), "REVERIE", str(untrained_weights)]
    spoken = [w for i in Dataset(built).split("train") for w in words(i.text)]
    assert columns[str(built)]["REVERIE's words covered, %"] == 100
    share = 100 * sum(w in {"get", "the", "red", "cup", "on", "table"} for w in spoken) / len(spoken)
    assert 0 < share < 100
    assert columns[str(untrained_weights)]["REVERIE's words covered, %"] == pytest.approx(share, abs=2)
    assert cli.main([*arguments, "--model", str(tmp_path)]) == 2
    assert "expected a folder with tokenizer.json" in capsys.readouterr().err


def test_missing_scan_is_listed_and_tried_again(
    written: Mini, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partial, out = tmp_path / "v1", tmp_path / "d"
    shutil.copytree(written.root / "v1" / "scanA", partial / "scanA")
    assert cli.main(written.arguments(out, partial)) == 0
    assert "scan scanB: house_segmentations/scanB.house is missing" in capsys.readouterr().err
    assert {image.scene for image in Dataset(out).images.values()} == {"scanA"}
    shutil.copytree(written.root / "v1" / "scanB", partial / "scanB")
    assert cli.main(written.arguments(out, partial)) == 0
    assert contents(out) == contents(built)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


@pytest.mark.parametrize(
    ("relative", "damage", "message"),
    [
        ("house_segmentations/scanB.ply", _truncate, "scanB.ply is not a triangle mesh"),
        (f"matterport_skybox_images/{8:032x}_skybox0_sami.jpg", Path.unlink, "skybox0_sami.jpg is missing"),
    ],
)
def test_damaged_files_are_named_and_the_rest_is_built(
    written: Mini,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    relative: str,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    root = tmp_path / "v1"
    for scan in ("scanA", "scanB"):
        shutil.copytree(written.root / "v1" / scan, root / "v1/scans" / scan / scan)  # as unpacked in place
    damage(root / "v1/scans/scanB/scanB" / relative)
    assert cli.main(written.arguments(tmp_path / "d", root)) == 0
    assert message in capsys.readouterr().err
    assert {image.scene for image in Dataset(tmp_path / "d").images.values()} == {"scanA"}


@pytest.mark.parametrize(
    ("relative", "read", "damage", "message"),
    [
        ("scanB.house", matterport.read_house, lambda p: p.write_text("H x\n"), "the first line is 'H x'"),
        (
            "scanB.house",
            matterport.read_house,
            lambda p: p.write_text(p.read_text().replace("\nO 5", "\nO five")),
            "scanB.house:.*is not a O line",
        ),
        ("scanB.house", matterport.read_house, lambda p: p.write_text("ASCII 1.1\n"), "0 objects and 0 segments"),
        ("scanB.ply", matterport.read_mesh, lambda p: p.write_bytes(b"ply"), "is not a triangle mesh"),
        (
            "panorama_to_region.txt",
            matterport.read_regions,
            lambda p: p.write_text("0 x\n"),
            "expected index, panorama",
        ),
    ],
)
def test_readers_name_what_is_wrong(
    written: Mini,
    tmp_path: Path,
    relative: str,
    read: Callable[[Path], object],
    damage: Callable[[Path], None],
    message: str,
) -> None:
    path = tmp_path / relative
    shutil.copy(written.root / "v1/scanB/house_segmentations" / relative, path)
    read(path)
    damage(path)
    with pytest.raises(DatasetError, match=message):
        read(path)


def test_killed_and_run_again_is_as_if_never_killed(written: Mini, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "d"
    process = subprocess.Popen(
        [sys.executable, "-m", "training.cli", *written.arguments(out)],
        cwd=Path(__file__).parents[1],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((out / PARTS_FOLDER).glob("scanA_*.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "annotations.json").exists()
    assert cli.main([*written.arguments(out), "--workers", "2"]) == 0  # how many does not show either
    assert contents(out) == contents(built)


def test_class_masks_hold_everything_with_the_label_in_the_box(written: Mini) -> None:
    """The authors' colouring: two things of a kind share a mask where both are in the box."""
    checked = 0
    for scan, house in written.houses.items():
        loaded = written.loaded[scan]
        for view in (12, 15, 18, 21):
            truth = written.truth[scan][view]
            kinds = {int(i): house.room.items[i].kind for i in np.unique(truth) if i >= 0}
            objects = np.vectorize(lambda i, house=house: house.object_of(int(i)) if i >= 0 else -1)(truth)
            for item, kind in kinds.items():
                same = [i for i, other in kinds.items() if other == kind]
                for masks, wanted in (("class", same), ("instance", [item])):
                    options = Options(Path(), Path(), masks=masks)
                    box = (0.0, 0.0, 320.0, float(HEIGHT))
                    mask = target_mask(loaded, house.viewpoint, objects, house.object_of(item), box, options)
                    left = mask[:, :320] if masks == "class" else mask
                    np.testing.assert_array_equal(left, np.isin(truth, wanted)[:, : left.shape[1]])
                    assert masks == "instance" or not mask[:, 320:].any()
                checked += len(same) > 1
    assert checked > 3


# -- the pieces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "right", "up", "forward"),
    [
        (12, (1, 0, 0), (0, 0, 1), (0, 1, 0)),
        (15, (0, -1, 0), (0, 0, 1), (1, 0, 0)),
        (0, (1, 0, 0), (0, 0.5, np.sqrt(0.75)), (0, np.sqrt(0.75), -0.5)),
        (27, (0, -1, 0), (-0.5, 0, np.sqrt(0.75)), (np.sqrt(0.75), 0, 0.5)),
    ],
)
def test_views_look_where_matterports_simulator_looks(
    index: int, right: tuple[float, ...], up: tuple[float, ...], forward: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(View(index).axes().T, (right, up, forward), atol=1e-12)


def test_rays_of_a_view() -> None:
    directions = View(12).directions()
    np.testing.assert_allclose(directions[240, 320], (0.5 / FOCAL, 1, -0.5 / FOCAL))
    assert np.degrees(np.arctan(WIDTH / 2 / FOCAL)) * 2 == pytest.approx(75.178, abs=0.001)
    with pytest.raises(ValueError, match="view index is 36"):
        View(36)


def test_no_seams_between_faces() -> None:
    """On faces painted with a smooth function of the direction, the function comes back everywhere."""
    side = 64
    right, down, front = mini.panorama_rotation().T
    up = -down
    looks = [(up, front), (-front, up), (-right, up), (front, up), (right, up), (down, -front)]
    grid = (np.arange(side) + 0.5) / side * 2 - 1
    column, row = np.meshgrid(grid, grid)
    faces = []
    for direction, above in looks:
        rays = direction + column[..., None] * np.cross(direction, above) - row[..., None] * above
        faces.append(_paint(rays))
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(20_000, 3))
    got = skybox.sample(np.stack(faces), directions, mini.panorama_rotation())
    assert np.abs(got.astype(int) - _paint(directions)).max() <= 3


def _paint(directions: NDArray[np.float64]) -> NDArray[np.uint8]:
    unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    colors: NDArray[np.uint8] = np.rint((unit + 1) * 127).astype(np.uint8)
    return colors


def _rectangle(x: int, y: int, width: int, height: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


def test_the_view_with_the_largest_whole_mask_is_chosen() -> None:
    options = Options(Path(), Path())
    whole, larger, cut = _rectangle(100, 100, 50, 50), _rectangle(100, 100, 60, 60), _rectangle(0, 0, 300, 300)
    boxes = {3: (95.0, 95.0, 60.0, 60.0), 4: (95.0, 95.0, 70.0, 70.0), 5: (0.0, 0.0, 310.0, 310.0)}
    assert choose_view({3: whole, 4: larger, 5: cut}, boxes, options) == (4, "")
    assert choose_view({5: cut}, {5: boxes[5]}, options) == (5, "")
    small, nothing = _rectangle(5, 5, 10, 10), np.zeros((HEIGHT, WIDTH), dtype=bool)
    assert choose_view({3: small}, {3: (0.0, 0.0, 20.0, 20.0)}, options) == (None, "too small")
    assert choose_view({3: nothing}, {3: boxes[3]}, options) == (None, "hidden in every view")
    assert choose_view({}, {}, options) == (None, "REVERIE gives no view of it")
    elsewhere = {3: (400.0, 300.0, 60.0, 60.0)}
    assert choose_view({3: whole}, elsewhere, options) == (None, "not where REVERIE's box is")
    loose = {3: (0.0, 0.0, 640.0, 480.0)}
    assert choose_view({3: whole}, loose, options) == (None, "not where REVERIE's box is")


def test_faces_of_no_object_are_nothing() -> None:
    segments = np.array([7, 7, 99, 3])
    np.testing.assert_array_equal(raycast.objects_of_faces(segments, {7: 4, 3: 0}), [4, 4, raycast.NOTHING, 0])


def test_nearer_things_hide_farther_ones() -> None:
    """Two squares across the view: the first on the ray counts, whatever the order of the faces."""
    square = np.array([(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, 1)], dtype=np.float32)
    vertices = np.concatenate([square * 4 + (0, 3, 0), square * 0.5 + (0, 2, 0)]).astype(np.float32)
    faces = np.array([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)], dtype=np.int32)
    caster = raycast.RayCaster(vertices, faces, np.array([1, 1, 2, 2], dtype=np.int32))
    objects = caster.objects(np.zeros(3), View(12))
    assert objects[240, 320] == 2
    assert objects[240, 5] == 1
    assert np.count_nonzero(objects == 2) == pytest.approx((2 * 0.5 / 2 * FOCAL) ** 2, rel=0.02)
    assert (caster.objects(np.zeros(3), View(18)) == raycast.NOTHING).all()


# -- REVERIE -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL_REVERIE.exists(), reason=f"{REAL_REVERIE} is absent")
def test_the_real_annotations_join_as_published() -> None:
    items, joins = reverie.read_items(REAL_REVERIE)
    assert [(j.split, j.items, j.instructions) for j in joins] == [
        ("train", 4071, 10_290),
        ("val_seen", 501, 1384),
        ("val_unseen", 1292, 3433),
    ]
    assert [(j.joined_items, j.joined_instructions) for j in joins] == [(4044, 10_232), (498, 1377), (1292, 3433)]
    assert all(item.instructions and len(item.viewpoint) == 32 for item in items)
    assert all(0 <= v < 36 and w > 0 and h > 0 for i in items for v, (_, _, w, h) in i.boxes.boxes.items())


def test_boxes_are_read_from_a_folder_too(written: Mini, tmp_path: Path) -> None:
    source = written.root / "reverie"
    for path in source.glob("*.json"):
        shutil.copy(path, tmp_path)
    with zipfile.ZipFile(source / "bbox.zip") as archive:
        archive.extractall(tmp_path / "BBox")
    assert reverie.read_items(tmp_path) == reverie.read_items(source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e[0].pop("objId"), "item 0 is not as REVERIE's are"),
        (lambda e: e[0].update(path=[]), "item 0 is not as REVERIE's are"),
        (lambda e: e[0].update(scan="scanB", path=[f"{8:032x}"], objId=5), "are in train and in val_unseen"),
    ],
)
def test_strange_annotations_are_refused(
    written: Mini, tmp_path: Path, change: Callable[[list[dict[str, object]]], None], message: str
) -> None:
    for path in (written.root / "reverie").glob("*.*"):
        shutil.copy(path, tmp_path)
    entries = json.loads((tmp_path / "REVERIE_train.json").read_text())
    change(entries)
    (tmp_path / "REVERIE_train.json").write_text(json.dumps(entries))
    with pytest.raises(DatasetError, match=message):
        reverie.read_items(tmp_path)


def test_what_is_missing_is_named(written: Mini, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none of .*bbox\.zip"):
        reverie.read_items(tmp_path)
    with pytest.raises(DatasetError, match=r"scanX_connectivity\.json is missing"):
        matterport.read_connectivity(tmp_path, "scanX")
