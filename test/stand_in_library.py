"""A small library of models for tests: turned shapes under the ids of real models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.homes.shapes import meshes
from mdsm_ros.library import Patch, Shape, Surface, store

RED, WOOD, WHITE, BLUE = (0.8, 0.05, 0.05), (0.55, 0.36, 0.2), (0.95, 0.95, 0.95), (0.08, 0.15, 0.8)
HALF_RED = np.array([[[204, 13, 13]] * 8 + [[20, 40, 204]] * 8] * 16, dtype=np.uint8)
"""A texture whose left half is red and whose right half is blue."""


def turned(
    profile: list[tuple[float, float]],
    color: tuple[float, float, float],
    texture: NDArray[np.uint8] | None = None,
    alpha: float = 1.0,
) -> Patch:
    """A surface of revolution as a patch; a texture goes once around it."""
    mesh = meshes.lathe(profile)
    normals = mesh.vertices * (1, 1, 0) + (0, 0, 1e-3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    texcoords = mesh.texcoords / np.maximum(mesh.texcoords.max(axis=0), 1e-9)
    return Patch(
        vertices=mesh.vertices.astype(np.float32),
        normals=normals.astype(np.float32),
        faces=mesh.faces,
        texcoords=texcoords.astype(np.float32),
        color=(*color, alpha),
        texture=texture,
    )


def shape(*patches: Patch, surfaces: tuple[Surface, ...] = ()) -> Shape:
    """A shape of patches that stand on the ground around the origin."""
    points = np.concatenate([patch.vertices for patch in patches])
    hx, hy = np.abs(points[:, :2]).max(axis=0)
    return Shape(patches, (float(hx), float(hy)), float(points[:, 2].max()), surfaces)


def pillar(radius: float, height: float) -> list[tuple[float, float]]:
    """The profile of a closed cylinder."""
    return [(0.0, 0.0), (radius, 0.0), (radius, height), (0.0, height)]


TABLE = shape(
    turned(pillar(0.04, 0.7), WOOD),
    turned([(0, 0.7), (0.5, 0.7), (0.5, 0.74), (0, 0.74)], WOOD),
    surfaces=(Surface("surface", 0.74, 0.33, 0.33), Surface("under", 0.0, 0.2, 0.2, clearance=0.6)),
)
SHAPES: dict[str, Shape] = {
    "katorlegaz/coffee-mug": shape(turned(pillar(0.05, 0.1), RED)),
    "scopia/cup": shape(turned(pillar(0.06, 0.06), WHITE, HALF_RED)),
    "scopia/teapot": shape(turned([(0, 0), (0.1, 0.03), (0.1, 0.14), (0.03, 0.2), (0, 0.2)], BLUE)),
    "scopia/table4": TABLE,
    "scopia/round-table": TABLE,
    "scopia/wine_bottle": shape(turned([(0, 0), (0.04, 0), (0.04, 0.2), (0.015, 0.3), (0, 0.3)], BLUE, alpha=0.6)),
    "scopia/simple_sofa": shape(turned(pillar(0.45, 0.4), RED), surfaces=(Surface("surface", 0.4, 0.25, 0.25),)),
    "scopia/little_lamp1": shape(
        turned(pillar(0.02, 0.2), WOOD), turned([(0, 0.2), (0.14, 0.2), (0.1, 0.4), (0, 0.4)], WHITE)
    ),
}
TEXTURES = {"floor": ("boards",), "wall": ("plaster",), "cloth": ("felt",), "wood": ("oak",), "picture": ("sea",)}


def make_library(folder: Path) -> Path:
    """Writes the library; returns its folder."""
    records = []
    for model_id, made in SHAPES.items():
        hx, hy = made.extent
        record = {
            "id": model_id,
            "name": model_id.split("/")[1],
            "catalogue": "Test",
            "licence": "CC0 1.0",
            "creator": "Test",
            "height": made.height,
            "outline": [[-hx, -hy], [hx, -hy], [hx, hy], [-hx, hy]],
            "front_known": True,
            "elevation": 0.0,
        }
        store.write_atomically(store.model_path(folder, model_id), store.pack(made, record))
        records.append(record)
    rng = np.random.default_rng(0)
    for names in TEXTURES.values():
        for name in names:
            pixels = rng.integers(90, 200, (64, 64, 3), dtype=np.uint8)
            store.write_atomically(folder / store.TEXTURES_FOLDER / f"{name}.jpg", store.encode_picture(pixels))
    index = {"format": store.FORMAT, "models": records, "textures": TEXTURES, "digest": "test"}
    store.write_atomically(folder / store.INDEX_FILE, json.dumps(index).encode())
    return folder
