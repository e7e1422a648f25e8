"""Pictures of single things, and how the network's answers are counted."""

from __future__ import annotations

import ctypes.util
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("mujoco", reason="rendering needs MuJoCo")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

from mdsm_ros.errors import DatasetError
from mdsm_ros.homes import camera_effects
from mdsm_ros.homes.shapes.parts import box, soft_box
from training.realism import command
from training.realism.photographs import crops, kinds_by_name
from training.realism.score import Judged, fitting_classes, fraction, mean_of_kinds, report
from training.realism.studio import Studio
from training.realism.subjects import procedural_subjects

pytestmark = pytest.mark.render

SIDE = 64
RED = (0.9, 0.05, 0.05)


def redness(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    r, g, b = np.moveaxis(picture.astype(int), -1, 0)
    red: NDArray[np.bool_] = (r > 1.6 * g) & (r > 1.6 * b)
    return red


@pytest.fixture
def ideal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_effects, "apply", lambda rgb, rng: rgb)


@pytest.mark.parametrize("size", [0.03, 3.0])
@pytest.mark.usefixtures("ideal")
def test_a_thing_of_any_size_fills_the_picture(size: float) -> None:
    with Studio(SIDE) as studio:
        for seed in range(2):
            parts = [
                soft_box(size, size, size, (5.0, 2.0, 1.0), RED, tilt=0.5, squareness=(1.0, 1.0))
            ]  # not at the origin either
            for picture in studio.photographs(parts, 2, np.random.default_rng(seed)):
                assert picture.shape == (SIDE, SIDE, 3)
                assert picture.dtype == np.uint8
                rows, columns = np.nonzero(redness(picture))
                assert 0.65 * SIDE < np.ptp(columns) < SIDE
                assert abs(columns.mean() - SIDE / 2) < 4
                assert abs(rows.mean() - SIDE / 2) < 6


@pytest.mark.usefixtures("ideal")
def test_the_front_is_seen_and_views_differ() -> None:
    body, label = box(0.5, 0.5, 0.5, (0, 0, 0.5), (0.1, 0.1, 0.9)), box(0.45, 0.01, 0.45, (0, 0.5, 0.5), RED)
    back = box(0.45, 0.01, 0.45, (0, -0.5, 0.5), RED)
    with Studio(SIDE) as studio:
        front = studio.photographs([body, label], 4, np.random.default_rng(0))
        hidden = studio.photographs([body, back], 4, np.random.default_rng(0))
    assert min(redness(picture).mean() for picture in front) > 0.01
    assert max(redness(picture).mean() for picture in hidden) < 0.005
    assert len({picture.tobytes() for picture in front}) == 4


def test_the_seed_decides() -> None:
    subject = procedural_subjects({"mug"}, 1)[0]
    with Studio(SIDE) as studio:
        first, same = (
            studio.photographs(subject.parts(rng), 1, rng)[0].tobytes()
            for rng in (np.random.default_rng(1), np.random.default_rng(1))
        )
    assert first == same


def test_procedural_shapes_of_all_sorts() -> None:
    subjects = procedural_subjects({"mug", "sofa", "window", "spaceship"}, 3)
    assert {subject.kind for subject in subjects} == {"mug", "sofa", "window"}
    assert len(subjects) == 9
    assert len({subject.name for subject in subjects}) == 9
    assert all(subject.parts(np.random.default_rng(0)) for subject in subjects)


CLASSES = ["cup", "coffee mug", "studio couch, day bed", "nail"]


def test_fitting_classes_are_looked_up() -> None:
    kinds = {"mug": ("cup", "coffee mug"), "sofa": ("studio couch, day bed",), "rug": ()}
    assert fitting_classes(kinds, CLASSES) == {"mug": {0, 1}, "sofa": {2}}
    with pytest.raises(DatasetError, match="kind 'mug': class is 'mug', expected one of ImageNet's"):
        fitting_classes({"mug": ("mug",)}, CLASSES)


def judged(group: str, kind: str, fits: str) -> list[Judged]:
    return [Judged(group, f"{group} {kind} {i // 2}", kind, ("nail",), f == "+") for i, f in enumerate(fits)]


def test_fractions_by_hand() -> None:
    pictures = judged("library", "mug", "+++-") + judged("library", "sofa", "-") + judged("procedural", "mug", "+-")
    assert fraction(pictures[:5]) == pytest.approx(3 / 5)
    assert mean_of_kinds(pictures[:5]) == pytest.approx((0.75 + 0) / 2)
    lines = report(pictures).splitlines()
    assert "| library | 3 | 2 | 5 | 0.600 | 0.375 |" in lines
    assert "| library, kinds of both | 2 | 1 | 4 | 0.750 | 0.750 |" in lines
    assert "| procedural, kinds of both | 1 | 1 | 2 | 0.500 | 0.500 |" in lines
    assert "| mug | 0.75 (4) | 0.50 (2) |" in lines
    assert "| sofa | 0.00 (1) |  |" in lines


class Stub:
    """A classifier that sees a mug in the first picture and a nail in every other."""

    def __init__(self) -> None:
        self.calls = 0

    def best(self, pictures: NDArray[np.uint8], number: int) -> NDArray[np.int64]:
        self.calls += 1
        return np.array([[3, 1] if self.calls == 1 else [3, 3]])


def test_judging() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    shown = iter([("a", "mug", pixels), ("b", "mug", pixels)])
    found, pictures = command.judge("library", shown, Stub(), {"mug": frozenset({0, 1})}, CLASSES)  # type: ignore[arg-type]
    assert [picture.fits for picture in found] == [True, False]
    assert found[0].classes == ("nail", "coffee mug")
    assert len(pictures) == 2


# -- photographs -------------------------------------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    picture = np.full((100, 200, 3), 90, dtype=np.uint8)
    picture[10:60, 20:60] = (250, 10, 10)
    Image.fromarray(picture).save(tmp_path / "images" / "one.png")
    large = {"image_id": 1, "category_id": 7, "area": 2000, "bbox": [20, 10, 40, 50]}
    content = {
        "images": [{"id": 1, "file_name": "one.png", "width": 200, "height": 100}],
        "categories": [{"id": 7, "name": "couch"}, {"id": 8, "name": "zebra"}],
        "annotations": [
            {"id": 1, **large},
            {"id": 2, **large, "category_id": 8},
            {"id": 3, **large, "area": 900},
            {"id": 4, **large, "iscrowd": 1},
            {"id": 5, **large, "reliable": 1},
        ],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    return tmp_path


def test_large_clear_objects_are_cut_out(photographs: Path) -> None:
    kinds = kinds_by_name({"sofa": ("couch", "settee"), "settee": ()})
    assert kinds == {"sofa": "sofa", "couch": "sofa", "settee": "settee"}
    ((name, kind, picture),) = crops(photographs, kinds, SIDE)
    assert (name, kind, picture.shape) == ("one.png 1", "sofa", (SIDE, SIDE, 3))
    red = redness(picture)
    assert red.mean() == pytest.approx(2000 / 60**2, abs=0.05)  # its box is 50 pixels high, with a tenth around it
    assert red[SIDE // 2, SIDE // 2]


def test_bad_annotations_are_named(photographs: Path) -> None:
    (photographs / "images" / "one.png").write_bytes(b"none")
    with pytest.raises(DatasetError, match=r"one\.png"):
        list(crops(photographs, {"couch": "sofa"}, SIDE))
    (photographs / "annotations.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"annotations\.json does not have COCO's form"):
        list(crops(photographs, {"couch": "sofa"}, SIDE))
