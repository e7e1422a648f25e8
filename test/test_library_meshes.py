"""The library of models: what becomes of an OBJ file, and where things may lie on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("embreex", reason="needs the extra [library]")
pytest.importorskip("mapbox_earcut", reason="needs the extra [library]")
pytest.importorskip("meshoptimizer", reason="needs the extra [library]")

from library_models import ball_part, box_part, item_of, plain_part, tube_part, write_catalogue

from mdsm_ros.library import Patch, Shape, Surface
from mdsm_ros.library.shapes import turned
from training.library import convert
from training.library.mesh import sides
from training.library.mesh.cutouts import cut_out
from training.library.mesh.polygons import triangulated
from training.library.mesh.simplify import area, clean, simplify
from training.library.mesh.surfaces import find_surfaces, largest_rectangle
from training.library.mesh.wavefront import read_parts


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path)


def outward_share(patch: Patch) -> float:
    """Of the area of a convex patch, how much faces away from its middle, with its normals the same way."""
    corners = patch.vertices[patch.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward = ((corners.mean(axis=1) - patch.vertices.mean(axis=0)) * normals).sum(axis=1) > 0
    outward &= (patch.normals[patch.faces].mean(axis=1) * normals).sum(axis=1) > 0
    area = np.linalg.norm(normals, axis=1)
    return float(area[outward].sum() / area.sum())


class TestConversion:
    def test_size_and_place_are_the_catalogues(self, catalogue: Path) -> None:
        shape = convert.make_shape(item_of(catalogue, "tiny/table"))
        assert shape.extent == pytest.approx((0.6, 0.3), abs=1e-5)
        assert shape.height == pytest.approx(0.75, abs=1e-5)
        assert min(patch.vertices[:, 2].min() for patch in shape.patches) == pytest.approx(0, abs=1e-6)

    def test_materials_survive_the_quirks_of_their_files(self, catalogue: Path) -> None:
        shape = convert.make_shape(item_of(catalogue, "tiny/table"))
        textured = [patch for patch in shape.patches if patch.texture is not None]
        assert [patch.texture.shape for patch in textured if patch.texture is not None] == [(128, 512, 3)]
        assert textured[0].color == (1.0, 1.0, 1.0, 1.0)
        plain = {patch.color for patch in shape.patches if patch.texture is None}
        assert plain == {(0.1, 0.2, 0.3, 0.25), (0.6, 0.6, 0.62, 1.0), (0.4, 0.5, 0.6, 1.0)}  # the hidden leg is gone

    def test_front_is_y_after_the_catalogues_rotation(self, catalogue: Path) -> None:
        shape = convert.make_shape(item_of(catalogue, "tiny/arrow"))
        points = np.concatenate([patch.vertices for patch in shape.patches])
        assert shape.extent == pytest.approx((0.05, 0.2), abs=1e-5)
        assert points[points[:, 2] > 0.15, 1].max() < -0.14  # the knob, which half a turn brought to the back

    def test_right_stays_right(self, catalogue: Path) -> None:
        item = replace(item_of(catalogue, "tiny/arrow"), rotation=(1, 0, 0, 0, 1, 0, 0, 0, 1), size=None)
        points = np.concatenate([part.vertices for part in read_parts(item)])
        assert points[points[:, 2] > 3, 1].max() == pytest.approx(4)  # z of the file is the front
        assert np.linalg.det(np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]])) == pytest.approx(1)

    def test_polygons_keep_their_notches(self) -> None:
        notched = "v 0 0 0\nv 4 0 0\nv 4 0 4\nv 3 0 1\nv 0 0 4\nv 0 0 1"
        lines = triangulated(f"{notched}\nf 1/1 2/1 3/1 4/1 5/1\nf 1 2\nf 1 2 3\nf 6 4 5 3\nf 1 2 4 5").splitlines()[6:]
        faces = [[int(corner.split("/")[0]) - 1 for corner in line.split()[1:]] for line in lines]
        points = np.array([line.split()[1:] for line in notched.splitlines()], dtype=float)
        assert [len(face) for face in faces] == [3, 3, 3, 3, 3, 3, 4]
        assert lines[0].count("/1") == 3
        x, z = points[faces[0] + faces[1] + faces[2]].reshape(3, 3, 3)[..., [0, 2]].transpose(2, 0, 1)
        areas = ((x[:, 1] - x[:, 0]) * (z[:, 2] - z[:, 0]) - (z[:, 1] - z[:, 0]) * (x[:, 2] - x[:, 0])) / 2
        assert areas.sum() == pytest.approx(10.0)  # all the same way round, and together the polygon
        assert areas.min() > 0

    def test_boxes_that_were_inside_out_face_outwards(self) -> None:
        part = box_part((0.2, 0.2, 0.2))
        inside_out = replace(part, faces=part.faces[:, ::-1])
        for candidate in (part, inside_out):
            (result,) = sides.face_outwards([candidate])
            assert len(result.faces) == 12
            assert outward_share(sides.to_patch(result)) == 1.0

    def test_a_leaf_is_seen_from_both_sides_and_a_lined_one_stays(self) -> None:
        square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
        leaf = plain_part(square, np.array([[0, 1, 2], [0, 2, 3]]))
        assert len(sides.face_outwards([leaf])[0].faces) == 4
        lined = replace(leaf, faces=np.array([[0, 1, 2], [0, 2, 3], [1, 0, 3], [1, 3, 2]]))
        assert len(sides.face_outwards([lined])[0].faces) == 4
        back = np.concatenate([leaf.faces, leaf.faces[:, ::-1]])
        (sheet,) = clean(replace(leaf, faces=back))
        assert (len(sheet.faces), sheet.two_sided) == (2, True)
        assert len(sides.face_outwards([sheet])[0].faces) == 4

    def test_a_deep_bin_keeps_its_inside(self) -> None:
        outer, inner = box_part((0.2, 0.2, 0.4)), box_part((0.19, 0.19, 0.4), lift=0.01)
        open_box = replace(outer, faces=outer.faces[(outer.vertices[outer.faces][..., 2] < 0.7).any(axis=1)])
        inside = replace(inner, faces=inner.faces[(inner.vertices[inner.faces][..., 2] < 0.7).any(axis=1)][:, ::-1])
        kept = sides.face_outwards([open_box, inside])
        assert np.array_equal(kept[1].faces[: len(inside.faces)], inside.faces)

    def test_a_strip_with_two_sides_survives_simplification(self) -> None:
        strip = np.array([[0, 0, 0], [0.02, 0, 0], [0.02, 2, 0], [0, 2, 0.0]])
        faces = np.array([[0, 1, 2], [0, 2, 3]])
        tape = plain_part(strip, np.concatenate([faces, faces[:, ::-1]]))
        parts = simplify([ball_part(5), *clean(tape)], 1000, 2000)
        assert area(parts[-1]) == pytest.approx(0.04)

    def test_normals_are_smooth_on_balls_and_sharp_on_boxes(self) -> None:
        box = sides.to_patch(box_part((1, 1, 1)))
        assert np.abs(box.normals).max(axis=1) == pytest.approx(1)
        ball = sides.to_patch(ball_part(3))
        assert (ball.normals * ball.vertices).sum(axis=1).min() > 0.99

    def test_a_model_is_brought_down_to_the_limit_and_keeps_its_form(self) -> None:
        parts = simplify([ball_part(5), box_part((1, 1, 1), shift=3.0)], 1000, 2000)
        assert 500 < sum(len(part.faces) for part in parts) <= 1000
        assert len(parts[1].faces) == 12
        radius = np.linalg.norm(parts[0].vertices[parts[0].faces].reshape(-1, 3), axis=1)
        assert radius == pytest.approx(1, abs=1e-6)

    def test_seams_of_textures_survive(self) -> None:
        part = tube_part(128, 64)
        (result,) = simplify([part], 1000, 2000)
        assert len(result.faces) <= 1000
        assert result.texcoords is not None
        corners, uv = result.vertices[result.faces], result.texcoords[result.faces]
        assert np.ptp(uv[..., 0], axis=1).max() < 0.5  # no triangle spans the picture backwards
        angle = np.arctan2(corners[..., 1], corners[..., 0]) / (2 * np.pi) % 1.0
        off = np.abs(uv[..., 0] - angle)
        assert np.minimum(off, 1 - off).max() < 1e-3

    def test_triangles_without_area_and_doubles_go(self) -> None:
        vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0.0]])
        faces = np.array([[0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 1, 3]])
        (sheet,) = clean(plain_part(vertices, faces))
        assert (len(sheet.faces), sheet.two_sided) == (1, True)

    def test_transparent_pixels_are_cut_out(self) -> None:
        square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
        opacity = np.zeros((64, 64), dtype=np.float32)
        opacity[:, :32] = 1
        part = replace(
            plain_part(square, np.array([[0, 1, 2], [0, 2, 3]])), texcoords=square[:, :2].copy(), cutout=opacity
        )
        result = cut_out(part)
        assert result.vertices[result.faces].mean(axis=1)[:, 0].max() < 0.56
        assert area(result) == pytest.approx(0.5, abs=0.06)


class TestSurfaces:
    def test_a_table_has_its_top_and_the_floor_below(self, catalogue: Path) -> None:
        surfaces = convert.make_shape(item_of(catalogue, "tiny/table")).surfaces
        top, under = surfaces
        assert (top.place, under.place) == ("surface", "under")
        assert top.z == pytest.approx(0.75, abs=0.01)
        assert (top.hx, top.hy) == pytest.approx((0.6, 0.3), abs=0.03)
        assert under.clearance == pytest.approx(0.675, abs=0.03)

    def test_a_bookcase_has_its_boards_with_the_room_above_each(self) -> None:
        boards = [box_part((0.4, 0.15, 0.01), shift=0, lift=0.4 * i) for i in range(4)]
        walls = [box_part((0.01, 0.15, 0.61), shift=s * 0.41, lift=0) for s in (-1, 1)]
        surfaces = find_surfaces([sides.to_patch(part) for part in (*boards, *walls)])
        shelves = sorted((s for s in surfaces if s.place == "shelf"), key=lambda s: s.z)
        assert [shelf.z for shelf in shelves] == pytest.approx([0.02, 0.42, 0.82], abs=0.01)
        assert [shelf.clearance for shelf in shelves] == pytest.approx([0.36] * 3, abs=0.01)
        assert [s.z for s in surfaces if s.place == "surface"] == pytest.approx([1.22], abs=0.01)

    def test_largest_rectangle(self) -> None:
        mask = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [0, 1, 1, 1]], dtype=bool)
        assert largest_rectangle(mask) == (1, 3, 1, 4)
        assert largest_rectangle(np.zeros((2, 2), dtype=bool)) == (0, 0, 0, 0)


def test_turned_shapes_keep_surfaces_on_their_boards() -> None:
    patch = sides.to_patch(box_part((0.4, 0.2, 0.1)))
    shape = Shape((patch,), (0.4, 0.2), 0.2, (Surface("surface", 0.2, 0.1, 0.05, y=0.1, x=0.3),))
    (surface,) = turned(shape, 90, 2.0).surfaces
    assert (surface.x, surface.y, surface.z) == pytest.approx((-0.2, 0.6, 0.4))
    assert (surface.hx, surface.hy) == pytest.approx((0.1, 0.2))
