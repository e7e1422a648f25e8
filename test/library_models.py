"""A tiny furniture catalogue with the quirks of real ones, and tiny meshes, for the tests of the library of models."""

from __future__ import annotations

import zipfile
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.library import command
from training.library.catalogue import Item, find_items
from training.library.mesh.wavefront import Part
from training.library.sources import Files

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


def write_catalogue(folder: Path) -> Path:
    """A .sh3f with a table, a broken model and an arrow."""
    grain = folder / "grain.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 1200, 3), dtype=np.uint8)).save(grain)
    path = folder / "tiny.sh3f"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", PROPERTIES)
        archive.writestr("LICENSE.TXT", "Be kind.")
        archive.writestr("tiny/table/table.obj", table_obj())
        archive.writestr("tiny/table/Table.MTL", MTL)
        archive.write(grain, "tiny/table/grain.png")
        archive.writestr("tiny/broken/broken.obj", "v 0 0 0\nf 1 2 3\n")
        archive.writestr("tiny/arrow/arrow.obj", arrow_obj())
    return path


def run(*options: object) -> int:
    """``mdsm-data library`` without the imports of the other commands."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(option) for option in options]))


def made(catalogue: Path, cache: Path) -> int:
    return run("--cache", cache, "--from", catalogue, "--workers", 1)


def item_of(catalogue: Path, name: str) -> Item:
    return next(item for item in find_items([Files(catalogue)])[0] if item.id == name)


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
