"""Composed pictures: cut-outs, exact masks, splits that do not leak, and the same bytes after all."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("cv2", reason="needs the extra [data]")

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import PARTS_FOLDER, DatasetWriter, encode_mask
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.homes.speech.queries import Clause, Query
from mdsm_ros.library import LibraryMissing, Patch, Shape
from training.cli import COMMANDS
from training.compose import bank as bank_module
from training.compose import command
from training.compose.bank import Bank
from training.compose.blending import paste
from training.compose.canvas import Layer, SceneObject, resized, visible
from training.compose.cutouts import Cutout, cut_out
from training.compose.ground import bare, ground_of
from training.compose.look import look_of
from training.compose.picture import Composed
from training.compose.rendered import LIBRARY_ORIGIN
from training.compose.writing import is_told_apart, scene_of_picture, sizes_are_seen

KINDS = ("dog", "cat", "chair", "umbrella")
PAINT = {"dog": (180, 90, 40), "cat": (60, 60, 190), "chair": (200, 40, 60)}
HEIGHT, WIDTH = 150, 200
PICTURES = {"train": 9, "val": 4}
IMAGES = 20

RUN = """
import argparse
from training.compose import command

parser = argparse.ArgumentParser()
command.add_arguments(parser)
command.run(parser.parse_args())
"""


def _ellipse(middle: tuple[int, int], radii: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    down, across = (rows - middle[0]) / radii[0], (columns - middle[1]) / radii[1]
    return np.asarray(down**2 + across**2 < 1)


def _rough(color: tuple[int, ...], shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A surface of a colour that is not flat, as photographs are."""
    return np.clip(np.array(color) + rng.normal(0, 14, (*shape[:2], 1)), 0, 255).astype(np.uint8)


def _photograph(kind: str, number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    rng = np.random.default_rng((number, len(kind)))
    picture = _rough((90, 140, 70), (HEIGHT, WIDTH), rng)
    picture[:40] = (150, 190, 235)  # the sky
    mask = _ellipse((90, 60 + 9 * number), (24, 26 + number % 3))
    picture[mask] = _rough(PAINT[kind], (HEIGHT, WIDTH), rng)[mask]
    return picture, mask


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of one object each; everything is labelled in all of them but the last."""
    root = tmp_path_factory.mktemp("compose") / "photographs"
    scenes = [f"{split} {n}" for split, number in PICTURES.items() for n in range(number)]
    info = {"exhaustive": [{"categories": list(KINDS), "scenes": scenes[:-1]}]}
    with DatasetWriter(root, KINDS, info=info) as writer:
        for split, number in PICTURES.items():
            for n in range(number):
                kind = ("dog", "cat", "chair")[n % 3]
                rgb, mask = _photograph(kind, n)
                image_id = writer.add_image(rgb, scene=f"{split} {n}")
                annotation_id = writer.add_annotation(image_id, kind, mask)
                writer.add_instruction(
                    image_id, [annotation_id], "Take it", split=split, source="test", expressions=1, distractors=0
                )
    return root


def _run(arguments: list[str]) -> int:
    """``mdsm-data compose`` without its other commands, which take long to import."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def _arguments(photographs: Path, out: Path, *more: str) -> list[str]:
    options = ["--images", str(IMAGES), "--size", "160", "--objects", "1-4", "--library", "none"]
    return ["--data", str(photographs), "--out", str(out), *options, *more]


@pytest.fixture(scope="module")
def composed(photographs: Path) -> Dataset:
    out = photographs.parent / "composed"
    assert _run(_arguments(photographs, out)) == 0
    return Dataset(out)


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# -- masks -------------------------------------------------------------------------------------------------------------


def _layer(rng: np.random.Generator) -> Layer:
    height, width = rng.integers(10, 30, 2)
    alpha = (rng.random((height, width)) > 0.3).astype(np.float32)
    left, top = int(rng.integers(0, 60 - width)), int(rng.integers(0, 50 - height))
    return Layer("dog", np.zeros((height, width, 3), np.uint8), alpha, left, top, False, "")


def test_visible_masks_and_occlusion_are_those_of_a_painter() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        ground = SceneObject("cat", rng.random((50, 60)) > 0.5, occlusion=0.2)
        layers = [_layer(rng) for _ in range(4)]
        canvas = np.where(ground.mask, 1, 0)
        for number, layer in enumerate(layers):
            for row, column in np.argwhere(layer.alpha >= 0.5):
                canvas[layer.top + row, layer.left + column] = number + 2
        seen = visible([ground], layers, (50, 60, 3))
        for number, thing in enumerate(seen):
            assert np.array_equal(thing.mask, canvas == number + 1)
        for number, layer in enumerate(layers):
            shown = (canvas == number + 2).sum() / (layer.alpha >= 0.5).sum()
            assert seen[number + 1].occlusion == pytest.approx(1 - shown)
        kept = (canvas == 1).sum() / ground.mask.sum()
        assert seen[0].occlusion == pytest.approx(1 - 0.8 * kept), "0.2 of it was hidden before"


def test_objects_of_the_background_lose_what_is_pasted_over_them(photographs: Path, composed: Dataset) -> None:
    source = Dataset(photographs)
    by_scene = {record.scene: record for record in source.images.values()}
    hidden = 0
    for image in composed.images.values():
        annotations = composed.annotations_of(image.id)
        pasted = np.zeros((image.height, image.width), dtype=bool)
        for annotation in annotations:
            if "pasted_from" in annotation.attributes:
                mask = composed.mask_of(annotation.id)
                assert not (mask & pasted).any(), "a pixel shows one object"
                pasted |= mask
        assert pasted.any()
        originals = source.annotations_of(by_scene[image.scene].id)
        _, before = resized(
            source.image(by_scene[image.scene].id), [SceneObject("", source.mask_of(a.id)) for a in originals], 160
        )
        kept = [a for a in annotations if "pasted_from" not in a.attributes]
        for annotation, thing in zip(kept, before, strict=True):
            mask = composed.mask_of(annotation.id)
            assert np.array_equal(mask, thing.mask & ~pasted)
            fraction = 1 - mask.sum() / thing.mask.sum()
            assert (annotation.occlusion or 0.0) == pytest.approx(fraction, abs=1e-4)
            hidden += fraction > 0
    assert hidden, "some are covered"


def test_nothing_outside_the_silhouette_changes_without_a_shadow() -> None:
    rgb, mask = _photograph("dog", 1)
    cutout = cut_out(rgb, mask, "dog", "")
    assert isinstance(cutout, Cutout)
    ground, _ = _photograph("cat", 2)
    layer = Layer("dog", cutout.rgb, cutout.alpha / np.float32(255), 10, 20, False, "")
    result = paste(ground, layer, cutout.look, False, np.random.default_rng(0))
    outside = np.ones(mask.shape, dtype=bool)
    outside[layer.window] = layer.alpha == 0
    assert np.array_equal(result[outside], ground[outside])
    inside = layer.silhouette(mask.shape)
    assert np.abs(result[inside].mean(axis=0) - rgb[mask].mean(axis=0)).max() < 25
    shaded = paste(ground, layer, cutout.look, True, np.random.default_rng(0))
    assert shaded[layer.bottom].astype(int).sum() < ground[layer.bottom].astype(int).sum()


# -- cut-outs ----------------------------------------------------------------------------------------------------------


def test_no_color_of_the_old_ground_comes_with_a_cutout() -> None:
    rng = np.random.default_rng(0)
    rgb = _rough((20, 200, 20), (HEIGHT, WIDTH), rng)
    mask = _ellipse((75, 100), (40, 40)) & ~_ellipse((75, 100), (12, 12))
    rgb[mask] = _rough((200, 30, 30), (HEIGHT, WIDTH), rng)[mask]
    wide = mask | np.roll(mask, 2, axis=0) | np.roll(mask, 2, axis=1)  # a mask that is not exact
    cutout = cut_out(rgb, wide, "donut", "")
    assert isinstance(cutout, Cutout)
    solid = cutout.alpha > 25
    red, green = cutout.rgb[solid][:, 0].astype(int), cutout.rgb[solid][:, 1].astype(int)
    assert (red > green).mean() > 0.995
    middle = cutout.alpha.shape[0] // 2
    assert cutout.alpha[middle, cutout.alpha.shape[1] // 2] == 0, "the hole stays"
    steps = np.unique(cutout.alpha)
    assert len(steps) > 5
    assert steps[0] == 0
    assert steps[-1] == 255


def test_blurred_and_gray_objects_are_refused() -> None:
    rgb, mask = _photograph("dog", 0)
    flat = rgb.copy()
    flat[mask] = (180, 90, 40)
    assert cut_out(flat, mask, "dog", "") == "blurred"
    gray = np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert cut_out(gray, mask, "dog", "") == "without colour"


def test_only_whole_objects_are_cut_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, other = _ellipse((90, 50), (25, 25)), _ellipse((90, 150), (25, 25))
    cases = {
        "whole": ([whole, other], {0, 1}),
        "touching": ([whole, np.roll(whole, 48, axis=1)], set()),
        "in two pieces": ([_ellipse((60, 50), (24, 25)) | other], set()),
        "too small": ([_ellipse((90, 50), (12, 25))], set()),
        "cut above": ([_ellipse((10, 50), (25, 25))], set()),
        "cut at the side": ([_ellipse((90, 20), (25, 25))], set()),
    }
    for name, (masks, expected) in cases.items():
        with DatasetWriter(tmp_path / name, KINDS) as writer:
            image_id = writer.add_image(_photograph("dog", 0)[0])
            for mask in masks:
                writer.add_annotation(image_id, "dog", mask)
            writer.add_annotation(image_id, "dog", _ellipse((30, 100), (22, 22)), {"reliable": "1"})
        data = Dataset(tmp_path / name)
        assert {a.id - 1 for a in bank_module.usable(data, 1)} == expected, name
    digest = bank_module.digest(replace(data.annotations[1], segmentation=encode_mask(whole)))
    monkeypatch.setattr(bank_module, "rejects", lambda: frozenset({digest}))
    left = list(bank_module.usable(Dataset(tmp_path / "whole"), 1))
    assert [a.id for a in left] == [2], "the other one was found unfit by eye"


def test_the_list_of_rejects_can_be_read() -> None:
    rejects = bank_module.rejects()
    assert len(rejects) > 100
    digests = {name for name in rejects if not name.startswith(LIBRARY_ORIGIN)}
    assert all(len(name) == 12 and set(name) <= set("0123456789abcdef") for name in digests)
    assert digests < rejects, "models are among them"


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_metre_is_longer_lower_in_the_picture_and_the_sky_carries_nothing() -> None:
    rgb, mask = _photograph("dog", 0)
    ground = ground_of(rgb, [SceneObject("dog", mask)])
    assert ground is not None
    assert ground.pixels_per_metre(0.95 * HEIGHT) > ground.pixels_per_metre(0.7 * HEIGHT)
    assert bare(rgb)[:36].mean() > 0.9
    assert bare(rgb)[60:].mean() < 0.05
    assert ground_of(rgb, [SceneObject("unheard of", mask)]) is None


def test_the_look_of_a_picture() -> None:
    rng = np.random.default_rng(0)
    gray = np.full((80, 80, 3), 128, np.uint8)
    everywhere = np.ones((80, 80), dtype=bool)
    noisy = np.clip(gray + rng.normal(0, 12, gray.shape), 0, 255).astype(np.uint8)
    assert look_of(noisy, everywhere).noise > look_of(gray, everywhere).noise + 1
    assert look_of(gray, everywhere).chroma < 0.5
    assert look_of(gray // 2, everywhere).mean[0] < look_of(gray, everywhere).mean[0] - 15


# -- sentences ---------------------------------------------------------------------------------------------------------


def test_sentences_mean_one_object(composed: Dataset) -> None:
    checked: Counter[str] = Counter()
    for instruction in composed.instructions:
        there = Counter(composed.categories[a.category_id] for a in composed.annotations_of(instruction.image_id))
        words = instruction.text.lower().rstrip(".?").split()
        named = [kind for kind in KINDS if kind in words]
        if len(named) == 1 and words[-2:] == ["the", named[0]]:  # by the kind alone
            assert there[named[0]] == len(instruction.annotation_ids), instruction.text
            checked["alone" if instruction.annotation_ids else "absent"] += 1
        if instruction.annotation_ids and len(named) == 1 and not set(words) & set(COLORS):
            (target,) = (composed.annotations[i] for i in instruction.annotation_ids)
            assert composed.categories[target.category_id] == named[0], instruction.text
            columns = [
                a.bbox[0] + a.bbox[2] / 2
                for a in composed.annotations_of(instruction.image_id)
                if a.category_id == target.category_id
            ]
            own = target.bbox[0] + target.bbox[2] / 2
            for side, outermost in (("leftmost", min(columns)), ("rightmost", max(columns))):
                if side in words:
                    assert own == outermost, instruction.text
                    checked[side] += 1
    assert checked["alone"] > 0
    assert checked["absent"] > 0
    assert checked["leftmost"] + checked["rightmost"] > 0


COLORS = ("black", "white", "gray", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")


def test_what_is_mostly_hidden_is_not_asked_for() -> None:
    rgb, mask = _photograph("dog", 0)
    half, most = (SceneObject("dog", np.roll(mask, s, axis=1), True, o, True) for s, o in ((0, 0.1), (60, 0.3)))
    picture = Composed(rgb, [half, most], frozenset({"dog"}), "", "")
    assert [thing.certain for thing in scene_of_picture(picture).objects] == [True, False]


def test_what_is_small_dark_cut_off_or_not_fully_labelled_is_not_asked_for() -> None:
    rgb, whole = _photograph("dog", 0)
    small, cut = _ellipse((60, 60), (8, 8)), _ellipse((90, 0), (24, 26))
    for category, mask, clear in (
        ("dog", whole, True),
        ("dog", small, False),
        ("dog", cut, False),
        ("cat", whole, False),
    ):
        picture = Composed(rgb, [SceneObject(category, mask)], frozenset({"dog"}), "", "")
        assert scene_of_picture(picture).objects[0].certain is clear
    dark = Composed(rgb // 8, [SceneObject("dog", whole)], frozenset({"dog"}), "", "")
    assert not scene_of_picture(dark).objects[0].certain


def test_no_cat_is_spoken_of_beside_an_animal_that_is_hardly_seen() -> None:
    rgb, mask = _photograph("dog", 0)
    beside = Query("chair", clauses=(Clause("next to", (Query("cat"),)),))
    for small, clear in ((mask, True), (_ellipse((60, 60), (8, 8)), False)):
        objects = [SceneObject("dog", small), SceneObject("cat", np.roll(mask, 80, axis=1))]
        scene = scene_of_picture(Composed(rgb, objects, frozenset({"cat", "dog"}), "", ""))
        assert is_told_apart(Query("cat"), scene) is clear
        assert is_told_apart(beside, scene) is clear
        assert is_told_apart(Query("chair"), scene)


def test_kinds_that_are_overlooked_count_as_labelled_only_among_few_objects(tmp_path: Path) -> None:
    info = {"exhaustive": [{"categories": ["dog", "chair"], "scenes": ["few", "many"]}]}
    with DatasetWriter(tmp_path / "data", KINDS, info=info) as writer:
        for scene, number in (("few", 1), ("many", bank_module.FEW + 1)):
            image_id = writer.add_image(_photograph("dog", 0)[0], scene=scene)
            for n in range(number):
                target = writer.add_annotation(image_id, "dog", _ellipse((90, 50 + 5 * n), (25, 25)))
            writer.add_instruction(image_id, [target], "It", split="train", source="", expressions=1, distractors=0)
    bank = Bank([tmp_path / "data"], "train", 160)
    assert [bank.exhaustive(p) for p in bank.pictures] == [frozenset({"dog", "chair"}), frozenset({"dog"})]


def test_sizes_of_hidden_objects_are_not_compared() -> None:
    rgb, mask = _photograph("dog", 0)
    largest = Query("dog", clauses=(Clause("largest"),))
    beside = Query("cat", clauses=(Clause("next to", (largest,)),))
    for occlusion, clear in ((None, True), (0.1, True), (0.4, False)):
        picture = Composed(rgb, [SceneObject("dog", mask, True, occlusion, True)], frozenset({"dog"}), "", "")
        assert sizes_are_seen(largest, picture) is clear
        assert sizes_are_seen(beside, picture) is clear
        assert sizes_are_seen(Query("dog"), picture)
        assert sizes_are_seen(Query("chair", clauses=(Clause("largest"),)), picture)
        assert not sizes_are_seen(Query("chair", clauses=(Clause("closest to camera"),)), picture)


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", PICTURES)
def test_everything_comes_from_one_split(photographs: Path, tmp_path: Path, split: str) -> None:
    assert _run(_arguments(photographs, tmp_path / "out", "--split", split, "--seed", "3")) == 0
    data = Dataset(tmp_path / "out")
    assert len(data.images) == IMAGES
    assert {instruction.split for instruction in data.instructions} == {split}
    scenes = {record.scene for record in data.images.values()}
    scenes |= {a.attributes["pasted_from"].split("#")[0] for a in data.annotations.values() if a.attributes}
    assert len(scenes) > 3
    assert {scene.split()[0] for scene in scenes} == {split}
    assert "val 3" not in {record.scene for record in data.images.values()}, "not everything is labelled there"


def test_a_cutout_is_not_pasted_into_its_own_picture(composed: Dataset) -> None:
    for annotation in composed.annotations.values():
        if annotation.attributes:
            scene = annotation.attributes["pasted_from"].split("#")[0]
            assert scene != composed.images[annotation.image_id].scene


@pytest.mark.slow
def test_two_workers_make_the_same_bytes(photographs: Path, composed: Dataset) -> None:
    out = photographs.parent / "two"
    assert _run(_arguments(photographs, out, "--workers", "2")) == 0
    assert _files(out) == _files(composed.root)


@pytest.mark.slow
def test_a_killed_build_resumes_to_the_same_bytes(photographs: Path, composed: Dataset) -> None:
    out = photographs.parent / "killed"
    process = subprocess.Popen([sys.executable, "-c", RUN, *_arguments(photographs, out)])
    deadline = time.monotonic() + 120
    while not list((out / PARTS_FOLDER).glob("0*.json")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _run(_arguments(photographs, out)) == 0
    assert _files(out) == _files(composed.root)


def test_another_recipe_is_refused(photographs: Path, composed: Dataset) -> None:
    with pytest.raises(DatasetError, match="choose another folder"):
        _run(_arguments(photographs, composed.root, "--seed", "8"))


def test_mdsm_data_has_the_command() -> None:
    assert COMMANDS["compose"][0] == command.__name__


def test_errors_say_what_is_wrong(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match="0 pictures are of split 'test', expected 1 or more"):
        _run(_arguments(photographs, tmp_path / "out", "--split", "test"))
    with pytest.raises(DatasetError, match="is missing"):
        _run(_arguments(tmp_path / "nowhere", tmp_path / "out"))
    with pytest.raises(CommandError, match=r"--rendered-fraction is 0\.5, expected none without a library"):
        _run(_arguments(photographs, tmp_path / "out", "--rendered-fraction", "0.5"))
    with pytest.raises(LibraryMissing, match="mdsm-data library"):
        _run([*_arguments(photographs, tmp_path / "out"), "--library", str(tmp_path)])
    monkeypatch.setattr(bank_module, "MIN_SIDE", 100)
    with pytest.raises(DatasetError, match="0 objects of split 'train' can be cut out, expected 1 or more"):
        Bank([photographs], "train", 160)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        ({}, "0 pictures of split 'train' can be backgrounds"),
        ({"exhaustive": {"dog": True}}, "expected a list of groups"),
    ],
)
def test_a_source_without_exhaustive_pictures_is_refused(tmp_path: Path, info: dict[str, object], message: str) -> None:
    with DatasetWriter(tmp_path / "source", KINDS, info=info) as writer:
        rgb, mask = _photograph("dog", 0)
        image_id = writer.add_image(rgb, scene="a")
        target = writer.add_annotation(image_id, "dog", mask)
        writer.add_instruction(image_id, [target], "It", split="train", source="test", expressions=1, distractors=0)
    with pytest.raises(DatasetError, match=message):
        _run(_arguments(tmp_path / "source", tmp_path / "out"))


@pytest.mark.parametrize("objects", ["0-3", "4-2", "two", "1-99"])
def test_the_number_of_objects_is_checked(objects: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _run(["--data", "a", "--out", "b", "--images", "1", "--objects", objects])
    assert "--objects" in capsys.readouterr().err


# -- models ------------------------------------------------------------------------------------------------------------


def _box_shape() -> Shape:
    """A red box, 0.4 m wide, 0.2 m deep, 0.6 m high, its front at +y."""
    low, high = np.array([-0.2, -0.1, 0.0]), np.array([0.2, 0.1, 0.6])
    patches = []
    for axis in range(3):
        for end in (low, high):
            others = [a for a in range(3) if a != axis]
            corners = np.zeros((4, 3), np.float32)
            corners[:, axis] = end[axis]
            for number, (i, j) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
                corners[number, others] = (low, high)[i][others[0]], (low, high)[j][others[1]]
            normal = np.zeros((4, 3), np.float32)
            normal[:, axis] = np.sign(end[axis] - (low + high)[axis] / 2)
            faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
            patches.append(Patch(corners, normal, faces, np.zeros((4, 2), np.float32), (0.8, 0.1, 0.1, 1.0)))
    return Shape(tuple(patches), (0.2, 0.1), 0.6, ())


def test_a_model_is_rendered_upright_in_its_size_and_colors() -> None:
    pytest.importorskip("embreex", reason="needs the extra [data]")
    from training.compose.rendered import LONGER_SIDE, Rendering

    rendering = Rendering(_box_shape(), 0.0, 0.0)
    rgb, alpha = rendering.picture(np.random.default_rng(0))
    assert rgb.shape[:2] == alpha.shape
    assert alpha.shape[0] == LONGER_SIDE
    assert alpha.shape[1] == pytest.approx(LONGER_SIDE * 2 / 3, abs=2)
    assert (alpha == 255).mean() > 0.95
    assert rendering.metres == pytest.approx(0.6, rel=0.1)
    red, green, blue = rgb[alpha == 255].mean(axis=0)
    assert red > 2 * green
    assert green == pytest.approx(blue, abs=3)
    from_above, _ = Rendering(_box_shape(), 0.0, 0.6).picture(np.random.default_rng(0))
    strip = from_above[10:20].mean(), from_above[-40:-30].mean()
    assert strip[0] != pytest.approx(strip[1], rel=0.02), "the top is lit otherwise than the front"
