"""Homes furnished from a library of models, here a small one that the tests make."""

from __future__ import annotations

import argparse
import ctypes.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from stand_in_library import RED, SHAPES, make_library, pillar, shape, turned

pytest.importorskip("mujoco", reason="needs the extra [sim]")
if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
    pytest.skip("rendering needs libegl1 and libgl1-mesa-dri", allow_module_level=True)

from small_homes import two_rooms

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import PARTS_FOLDER
from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.homes import CATEGORIES, PROCEDURAL_CATEGORIES
from mdsm_ros.homes.furnishing import options as furnishing_options
from mdsm_ros.homes.furnishing.colors import colors_in_view, judge
from mdsm_ros.homes.furnishing.room_stock import Budget, RoomStock
from mdsm_ros.homes.furnishing.shapes import ready
from mdsm_ros.homes.furnishing.stock import Stock, StockChanged, StockOptions, choose_stock, chosen, open_stock
from mdsm_ros.homes.generate import SPLIT_SEEDS, Sample, home_samples
from mdsm_ros.homes.home import Item
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS, alike_by_name
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.looks.dressing import is_lamp
from mdsm_ros.homes.speech.queries import Query, Scene
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer
from mdsm_ros.homes.words import lexicon
from mdsm_ros.library import LibraryMissing
from training.datasets import build as builder
from training.homes import command as generate_homes
from training.homes.verify import find_fault

pytestmark = pytest.mark.render

SEEDS = range(SPLIT_SEEDS["test"] + 700, SPLIT_SEEDS["test"] + 702)
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> StockOptions:
    return choose_stock(make_library(tmp_path_factory.mktemp("library")), "all")


@pytest.fixture(scope="module")
def stock(options: StockOptions) -> Stock:
    return open_stock(options)


@pytest.fixture(scope="module")
def samples(options: StockOptions) -> list[Sample]:
    return [sample for seed in SEEDS for sample in home_samples(seed, (160, 120), depth=False, stock=options)]


# -- what homes are made of --------------------------------------------------------------------------------------------


def test_rooms_hold_models_and_procedural_objects(stock: Stock) -> None:
    items = [item for seed in SEEDS for room in build_home(seed, stock).rooms for item in room.items]
    models = [item for item in items if item.model]
    assert {item.model for item in models} >= {"katorlegaz/coffee-mug", "scopia/teapot"}
    assert {item.kind for item in models} <= {LIBRARY_KINDS[kind].kind for kind in LIBRARY_KINDS}
    assert any(not item.model for item in items)


def test_things_lie_on_models_at_the_height_of_their_surfaces(stock: Stock) -> None:
    on_models = 0
    for seed in range(SEEDS[0], SEEDS[0] + 4):
        for room in build_home(seed, stock).rooms:
            for item in room.items:
                holder = None if item.support is None else room.items[item.support]
                if holder is not None and holder.model:
                    tops = [holder.position[2] + surface.z for surface in holder.surfaces]
                    assert any(abs(item.position[2] - top) < 1e-9 for top in tops)
                    assert all(item.place == "soft" for _ in range(holder.kind == "sofa"))
                    on_models += 1
    assert on_models > 10


def test_categories_are_the_same_with_and_without_a_library() -> None:
    assert CATEGORIES[: len(PROCEDURAL_CATEGORIES)] == PROCEDURAL_CATEGORIES
    assert set(CATEGORIES) == set(PROCEDURAL_CATEGORIES) | set(LIBRARY_KINDS)
    assert len(set(CATEGORIES)) == len(CATEGORIES)


@pytest.mark.parametrize("which", ["seen", "held-out", "all"])
def test_which_models_are_shown(which: str, stock: Stock) -> None:
    models = [model for of in stock.models.values() for model in of]
    kept = {model.id for model in models if model.held_out}
    shown = chosen(models, which)
    ids = {model.id for of in shown.values() for model in of}
    if which == "seen":
        assert ids == {model.id for model in models} - kept
    elif which == "all":
        assert ids == set(SHAPES)
    else:
        assert set(shown) == set(stock.models)
        assert kept <= ids
        assert all({m.held_out for m in of} == {any(m.held_out for m in stock.models[k])} for k, of in shown.items())


def test_a_room_has_a_budget_of_triangles(stock: Stock) -> None:
    room = RoomStock(stock, "kitchen")
    model = stock.models["teapot"][0]
    assert room.affords(model)
    faces = stock.shape(model).faces
    items = [
        item for seed in SEEDS for r in build_home(seed, stock).rooms for item in r.items if item.model == model.id
    ]
    for _ in range(Budget().faces // faces + 1):
        room.pay(items[0])
    assert not room.affords(model)
    assert room.draw("teapot", np.random.default_rng(0)) is None


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_pixels_and_words(samples: list[Sample], options: StockOptions) -> None:
    with two_rooms():
        again = home_samples(SEEDS[0], (160, 120), depth=False, stock=options)
    for first, second in zip(samples, again, strict=False):
        np.testing.assert_array_equal(first.view.rgb, second.view.rgb)
        assert first.sentences == second.sentences
    assert again


def test_culling_changes_no_item_and_no_depth(stock: Stock) -> None:
    room = build_home(SEEDS[0], stock).rooms[0]
    pose = CameraPose((0.0, 0.0, 1.2), (0.6, 1.5, 0.7), 60.0)
    with RoomRenderer(room, 160, 120) as renderer:
        near = renderer._near_view(pose, 0.0)
        culled = renderer.render(pose)
        everything = renderer._owner[renderer._segment(pose, np.ones_like(near))]
    assert not near.all()
    np.testing.assert_array_equal(culled.items, everything)


def test_views_are_of_different_brightness(stock: Stock) -> None:
    looks = [room.look for seed in range(9) for room in build_home(seed, stock).rooms]
    assert {look.mood for look in looks if look} == {"day", "evening", "even"}
    exposures = [look.exposure for look in looks if look]
    assert min(exposures) < 0.65
    assert max(exposures) > 1.35


def test_lit_lamps_are_lamps(stock: Stock) -> None:
    items = [item for seed in range(4) for room in build_home(seed, stock).rooms for item in room.items if item.lit]
    assert items
    assert all(is_lamp(item.kind) and all(part.glow for part in item.parts) for item in items)


def test_own_pictures_hang_on_the_walls(tmp_path: Path, options: StockOptions) -> None:
    Image.new("RGB", (90, 60), (250, 0, 250)).save(tmp_path / "a.png")
    own = choose_stock(options.folder, "all", tmp_path)
    assert own.recipe["pictures"] != options.recipe.get("pictures")
    rooms = [room for seed in range(4) for room in build_home(seed, open_stock(own)).rooms]
    photos = [part.photo for room in rooms for item in room.items for part in item.parts if item.kind == "picture"]
    hung = [photo for photo in photos if photo is not None]
    assert hung
    assert all(photo.pixels.shape == (60, 60, 3) and (photo.pixels == (250, 0, 250)).all() for photo in hung)
    (tmp_path / "a.png").unlink()
    with pytest.raises(DatasetError, match="expected a folder with"):
        choose_stock(options.folder, "all", tmp_path)


# -- words -------------------------------------------------------------------------------------------------------------


def test_every_instruction_is_clear(samples: list[Sample]) -> None:
    sentences = [(sample, sentence) for sample in samples for sentence in sample.sentences]
    assert len(sentences) > 40
    assert [fault for sample, sentence in sentences if (fault := find_fault(sample, sentence))] == []


def test_colours_come_from_the_pixels() -> None:
    assert ready(SHAPES["katorlegaz/coffee-mug"], 64).colors.name == "red"
    both = ready(SHAPES["scopia/cup"], 64).colors
    assert both.name == ""
    assert {"red", "blue"} <= both.tints
    assert "green" not in both.tints


def test_teal_may_be_called_green_or_blue() -> None:
    teal = np.full((100, 3), (40, 130, 135), dtype=np.uint8)
    item = Item("bed", "", "", [], (0.0, 0.0, 0.0), 0.0, (1.0, 0.8), 0.6, furniture=True, place="wall-side")
    name, tints = colors_in_view(item, teal)
    assert name == ""
    assert {"green", "blue"} <= tints


def test_what_is_hidden_inside_has_no_colour() -> None:
    inside = turned(pillar(0.05, 0.08), (0.05, 0.6, 0.1))
    outside = turned([(0, -0.01), (0.08, -0.01), (0.08, 0.12), (0, 0.12)], RED)
    assert ready(shape(inside, outside), 64).colors.name == "red"


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0.85, 0.1, 0.1), "red"),
        ((0.95, 0.95, 0.94), "white"),
        ((0.03, 0.03, 0.03), "black"),
        ((0.4, 0.22, 0.1), "brown"),
        ((0.1, 0.5, 0.15), "green"),
        ((0.82, 0.72, 0.55), ""),  # beige: people would argue
    ],
)
def test_names_of_even_colours(rgb: tuple[float, float, float], name: str) -> None:
    assert judge(np.array([rgb] * 20)).name == name


def test_a_word_that_fits_two_kinds_in_view_counts_for_both(samples: list[Sample]) -> None:
    """Where a mug is in view, "teacup" may mean it, and the other way round."""
    assert "teacup" in lexicon.ALIKE["mug"]
    checked = 0
    for sample in samples:
        scene = Scene(sample.room, sample.seen, sample.view.items.size)
        cups = [seen.index for seen in sample.seen if seen.kind in ("mug", "teacup")]
        assert set(cups) <= {seen.index for seen in scene.candidates(Query("mug"))}
        checked += bool(cups)
    assert checked


def test_a_coffee_table_is_a_table() -> None:
    alike = alike_by_name({"table": (), "coffee table": ("low table",), "sofa": ("couch",), "bed": ("couch",)})
    assert alike == {
        "table": frozenset({"coffee table"}),
        "coffee table": frozenset({"table"}),
        "sofa": frozenset({"bed"}),
        "bed": frozenset({"sofa"}),
    }


def test_a_two_coloured_object_is_not_absent_in_either_colour(samples: list[Sample]) -> None:
    checked = 0
    for sample in samples:
        scene = Scene(sample.room, sample.seen, sample.view.items.size)
        for seen in sample.seen:
            if sample.room.items[seen.index].model == "scopia/cup":
                assert seen.color == ""
                for color in ("red", "blue"):
                    assert seen in scene.candidates(Query(seen.kind, color))
                checked += 1
    assert checked


# -- the command -------------------------------------------------------------------------------------------------------


def build(*arguments: str) -> int:
    """``mdsm-data homes`` without the other commands, whose imports take long."""
    parser = argparse.ArgumentParser()
    generate_homes.add_arguments(parser)
    with two_rooms():
        return generate_homes.run(parser.parse_args(arguments))


def test_without_a_library_homes_are_procedural_and_a_line_says_how_to_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--split", "val", "--images", "2", "--size", "160x120", "--no-depth"]
    assert build("--out", str(tmp_path / "a"), *options) == 0
    note = [line for line in capsys.readouterr().err.splitlines() if "mdsm-data library" in line]
    assert len(note) == 1
    assert build("--out", str(tmp_path / "b"), *options, "--library", "none") == 0
    assert "mdsm-data library" not in capsys.readouterr().err
    assert Dataset(tmp_path / "a").info == Dataset(tmp_path / "b").info
    assert "library" not in Dataset(tmp_path / "a").info["recipe"]
    with pytest.raises(LibraryMissing, match="mdsm-data library"):
        build("--out", str(tmp_path / "c"), *options, "--library", str(tmp_path / "nothing"))


def homes(out: Path, library: Path, workers: int) -> list[str]:
    options = ["--split", "train", "--images", "20", "--size", "96x72", "--no-depth", "--models", "all"]
    return ["--out", str(out), *options, "--library", str(library), "--workers", str(workers)]


def test_killed_and_run_again_gives_the_same_bytes(tmp_path: Path, options: StockOptions) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    assert build(*homes(whole, options.folder, 1)) == 0
    recipe = Dataset(whole).info["recipe"]
    assert (recipe["library"], recipe["models"]) == (options.version, "all")
    code = f"import test_home_library as t; t.die_in_the_second_part({homes(torn, options.folder, 1)})"
    killed = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'test'}"},
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert list((torn / PARTS_FOLDER).glob("0*.json"))
    assert build(*homes(torn, options.folder, 1)) == 0
    assert _contents(torn) == _contents(whole)
    other = make_library(tmp_path / "other")  # what was built with one library is not taken for another's
    index = other / "index.json"
    index.write_text(index.read_text().replace('"digest": "test"', '"digest": "changed"'))
    with pytest.raises(DatasetError, match="choose another folder"):
        build(*homes(whole, other, 1))


def test_a_library_that_changes_stops_the_work(tmp_path: Path) -> None:
    """No home can be made any more, so the rest of the seeds is not tried one by one."""
    folder = make_library(tmp_path / "library")
    begun = choose_stock(folder, "all")
    index = folder / "index.json"
    index.write_text(index.read_text().replace('"digest": "test"', '"digest": "changed"'))
    with pytest.raises(StockChanged, match="run again"):
        home_samples(SEEDS[0], (96, 72), depth=False, stock=begun)
    index.unlink()
    with pytest.raises(StockChanged, match="mdsm-data library"):
        home_samples(SEEDS[0], (96, 72), depth=False, stock=begun)


def die_in_the_second_part(arguments: Sequence[str]) -> None:
    """Builds homes and kills its own process while the second one is being rendered."""
    make_part, calls = builder._part, []

    def part(*rest: Any) -> Any:
        calls.append(rest)
        if len(calls) == 2:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return make_part(*rest)

    builder._part = part  # type: ignore[assignment]
    build(*arguments)


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("choice", [["--models", "seen"], ["--pictures", "walls"]])
@pytest.mark.parametrize("library", [["--library", "none"], []])
def test_procedural_homes_have_no_models_or_pictures_to_choose(
    choice: list[str], library: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    parser = argparse.ArgumentParser()
    furnishing_options.add_arguments(parser)
    assert furnishing_options.chosen_stock(parser.parse_args(library), "train") is None
    with pytest.raises(CommandError, match=f"{' is '.join(choice)}, expected none: .* procedural"):
        furnishing_options.chosen_stock(parser.parse_args([*choice, *library]), "train")
