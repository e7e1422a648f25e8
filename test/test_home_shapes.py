"""Every kind of thing in the homes: its parts, its bounds, its colour and its pattern, and where it is used."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest

from mdsm_ros.homes import CATEGORIES, PROCEDURAL_CATEGORIES
from mdsm_ros.homes.home import Item, Room
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.kinds.rooms import ROOMS
from mdsm_ros.homes.shapes import meshes, textures
from mdsm_ros.homes.shapes.parts import COLORS, Part, bounds, dress, main, scaled, soft_box, span
from mdsm_ros.homes.words import lexicon, rooms, verbs


def parts_of(kind: str, color: str, seed: int = 0) -> list[Part]:
    rng = np.random.default_rng(seed)
    if kind in OBJECTS:
        return OBJECTS[kind].shape(COLORS[color], rng)
    if kind in FURNITURE:
        return FURNITURE[kind][0](COLORS[color], rng).parts
    return FIXTURES[kind].shape(COLORS[color], rng)


def colors_of(kind: str) -> tuple[str, ...]:
    if kind in OBJECTS:
        return OBJECTS[kind].colors
    return FURNITURE[kind][1] if kind in FURNITURE else FIXTURES[kind].colors


def test_there_is_enough_of_everything() -> None:
    assert len(OBJECTS) >= 60
    assert len(ROOMS) >= 8
    assert len(set(CATEGORIES)) == len(CATEGORIES)
    used = {name for room in ROOMS.values() for name in (*room.furniture, *room.objects, *room.fixtures)}
    assert used == set(PROCEDURAL_CATEGORIES)


@pytest.mark.parametrize("kind", PROCEDURAL_CATEGORIES)
def test_a_kind_stands_on_its_base_in_every_colour(kind: str) -> None:
    for color in colors_of(kind):
        parts = parts_of(kind, color)
        hx, hy, height = bounds(parts)
        assert 0.01 < hx < 1.1
        assert 0.005 < hy < 1.1
        assert 0.01 < height < 2.2
        assert -0.05 < min(span(part)[0, 2] for part in parts) < 0.06


def test_the_lexicon_knows_only_kinds_that_exist() -> None:
    for table in (lexicon.NOUNS, lexicon.ADJECTIVES, verbs.VERBS, lexicon.ALIKE, lexicon.FRAMED):
        assert set(table) <= set(CATEGORIES)
    assert set(rooms.ROOM_NAMES) == set(ROOMS)
    assert set(lexicon.PATTERN_NAMES) == set(textures.PATTERNS)


@pytest.mark.parametrize(
    "mesh",
    [
        meshes.lathe([(0, 0), (0.1, 0), (0.1, 0.2), (0, 0.2)]),
        meshes.superellipsoid((0.2, 0.1, 0.05), (0.3, 0.3)),
        meshes.torus(0.1, 0.02),
    ],
    ids=["lathe", "superellipsoid", "torus"],
)
def test_meshes_face_outwards(mesh: meshes.Mesh) -> None:
    """The signed volume of a closed surface is positive when its faces are counter-clockwise seen from outside."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 > 1e-4
    assert mesh.texcoords.shape == (len(mesh.vertices), 2)


def test_scaling_scales_meshes_and_boxes_alike() -> None:
    parts = parts_of("backpack", "red")
    np.testing.assert_allclose(bounds(scaled(parts, 1.5)), np.multiply(bounds(parts), 1.5), rtol=1e-9)


def test_a_tilted_mesh_has_tilted_bounds() -> None:
    flat = soft_box(0.3, 0.2, 0.1, (0, 0, 0), COLORS["red"], tilt=np.pi / 2)
    np.testing.assert_allclose(span(flat)[1], (0.3, 0.1, 0.2), atol=1e-9)


@pytest.mark.parametrize("pattern", sorted(textures.PATTERNS))
@pytest.mark.parametrize("color", sorted(COLORS))
def test_patterns_show_in_every_colour(pattern: str, color: str) -> None:
    """Both colours cover a good part, and differ clearly in brightness."""
    picture = textures.PATTERNS[pattern](COLORS[color]).astype(float).mean(axis=2) / 255
    own = np.mean(COLORS[color])
    covered = np.abs(picture - own) < 0.02
    assert 0.25 < covered.mean() < 0.85
    assert abs(picture[~covered].mean() - own) > 0.15


def test_only_main_parts_wear_the_pattern() -> None:
    parts = [main(soft_box(0.1, 0.1, 0.1, (0, 0, 0), COLORS["red"])), *parts_of("mug", "red")]
    assert [part.material for part in dress(parts, "striped")][:2] == ["striped", None]


def test_art_is_different_for_every_seed_and_the_same_for_one() -> None:
    pictures = [textures.art(seed) for seed in range(8)]
    assert all(np.array_equal(picture, textures.art(seed)) for seed, picture in enumerate(pictures))
    assert all((pictures[0] != other).mean() > 0.2 for other in pictures[1:])


# -- rendered ----------------------------------------------------------------------------------------------------------

needs_rendering = pytest.mark.skipif(
    not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")),
    reason="rendering needs libegl1 and libgl1-mesa-dri",
)


def bare_room(parts: list[Part], behind: list[Part] | None = None) -> Room:
    """A white room with a thing at the origin of its floor and perhaps another half a metre behind it."""

    def item(kind: str, parts: list[Part], y: float) -> Item:
        hx, hy, height = bounds(parts)
        return Item(kind, "red", "", parts, (0.0, y, 0.0), 0.0, (hx, hy), height, False, "floor")

    items = [item("thing", parts, 0.0)] + ([] if behind is None else [item("other", behind, -0.5)])
    white = (0.9, 0.9, 0.9)
    return Room("bedroom", (4.0, 4.0), items, 0, "white", white, "plaster", white, "tiles")


@pytest.mark.render
@needs_rendering
@pytest.mark.parametrize("kind", ["mug", "pillow", "suitcase", "sofa", "vase", "toy car", "wall cabinet", "ottoman"])
def test_the_colour_of_a_thing_is_the_one_it_is_called_by(kind: str) -> None:
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer

    for color in {"red", "green", "blue"} & set(colors_of(kind)):
        parts = parts_of(kind, color)
        size = max(*bounds(parts))
        with RoomRenderer(bare_room(parts), 96, 72) as renderer:
            view = renderer.render(
                CameraPose((0.1, min(3.2 * size + 0.3, 1.9), 1.6 * size), (0.0, 0.0, size / 2), 50.0), depth=False
            )
        pixels = view.rgb[view.items == 0].mean(axis=0)
        assert int(np.argmax(pixels)) == {"red": 0, "green": 1, "blue": 2}[color], (color, pixels)


@needs_rendering
def test_alone_shows_what_others_hide() -> None:
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer

    room = bare_room(parts_of("ottoman", "red"), behind=parts_of("ottoman", "blue"))
    with RoomRenderer(room, 160, 120) as renderer:
        pose = CameraPose((0.0, 1.6, 0.5), (0.0, 0.0, 0.2), 60.0)
        items = renderer.items(pose)
        front, back = (renderer.alone(pose, index) for index in (0, 1))
        np.testing.assert_array_equal(renderer.items(pose), items)  # the others are back
    np.testing.assert_array_equal(front, items == 0)
    assert np.all(back[items == 1])
    assert back.sum() > 1.3 * np.count_nonzero(items == 1)
