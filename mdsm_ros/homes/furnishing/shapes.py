"""Converts shapes of the library to parts of a room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.homes.furnishing.colors import Colors, judge
from mdsm_ros.homes.shapes.meshes import Mesh
from mdsm_ros.homes.shapes.parts import Part, Photo
from mdsm_ros.library import Patch, Shape, Surface

SMALLEST = 1e-6  # square metres: a smaller patch is invisible, and MuJoCo rejects it
FEWEST_VERTICES = 4  # least number of vertices of a mesh in MuJoCo
CLEAR = 0.02  # opacity below which a patch is omitted
SAMPLES = 3000  # points on a surface
CELLS = 20  # cells along each side of the grid that samples an item's view


@dataclass(frozen=True, eq=False)
class ReadyShape:
    """A library model, ready to be put into rooms.

    Attributes:
        parts: One for each patch.
        extent: Half of the footprint's extents (hx, hy), metres.
        height: Height in metres.
        surfaces: Surfaces for objects on it.
        faces: Number of triangles.
        colors: Colours in even white light.
    """

    parts: tuple[Part, ...]
    extent: tuple[float, float]
    height: float
    surfaces: tuple[Surface, ...]
    faces: int
    colors: Colors


def ready(shape: Shape, side: int) -> ReadyShape:
    """Prepares a shape of the library for rooms.

    Args:
        shape: Shape from the library.
        side: Largest side of its textures in pixels.
    """
    patches = [patch for patch in shape.patches if patch.color[3] >= CLEAR and _areas(patch).sum() > SMALLEST]
    return ReadyShape(
        parts=tuple(_part(patch, side) for patch in patches),
        extent=shape.extent,
        height=shape.height,
        surfaces=shape.surfaces,
        faces=sum(len(patch.faces) for patch in patches),
        colors=judge(visible_pixels(patches)),
    )


def _part(patch: Patch, side: int) -> Part:
    padding = ((0, max(0, FEWEST_VERTICES - len(patch.vertices))), (0, 0))
    vertices, texcoords, normals = (
        np.pad(values, padding, mode="edge") for values in (patch.vertices, patch.texcoords, patch.normals)
    )
    mesh = Mesh(vertices, patch.faces, texcoords, normals)
    r, g, b, alpha = patch.color
    photo = None if patch.texture is None else Photo(shrunk(patch.texture, side))
    return Part("mesh", (), (0.0, 0.0, 0.0), (r, g, b), mesh=mesh, photo=photo, alpha=alpha)


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Reduces an image (H, W, 3) so that no side is longer than ``side`` pixels."""
    height, width = pixels.shape[:2]
    if max(height, width) <= side:
        return pixels
    factor = side / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _areas(patch: Patch) -> NDArray[np.float64]:
    a, b, c = (patch.vertices[patch.faces[:, i]].astype(np.float64) for i in range(3))
    areas: NDArray[np.float64] = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return areas


def visible_pixels(patches: list[Patch]) -> NDArray[np.float64]:
    """Returns unshaded colours (N, 3) from 0 to 1 of the surface visible from six sides, without hidden parts."""
    points, colors = _sampled(patches)
    if not len(points):
        return np.zeros((0, 3))
    low = points.min(axis=0)
    cells = ((points - low) / max(float((points.max(axis=0) - low).max()), 1e-9) * (CELLS - 1)).astype(np.int64)
    seen = []
    for axis in range(3):
        across = [i for i in range(3) if i != axis]
        column = cells[:, across[0]] * CELLS + cells[:, across[1]]
        for sign in (1.0, -1.0):
            if axis == 2 and sign > 0:
                continue  # items are not seen from below
            order = np.lexsort((sign * points[:, axis], column))
            first = np.unique(column[order], return_index=True)[1]
            seen.append(colors[order[first]])
    return np.concatenate(seen)


def _sampled(patches: list[Patch]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns points spread evenly over the opaque surface (N, 3) and their colours (N, 3); deterministic."""
    rng = np.random.default_rng(0)
    opaque = [patch for patch in patches if patch.color[3] > 0.5]
    areas = [_areas(patch) for patch in opaque]
    total = sum(float(a.sum()) for a in areas)
    points, colors = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for patch, area in zip(opaque, areas, strict=True):
        count = int(np.ceil(SAMPLES * area.sum() / total))
        faces = patch.faces[rng.choice(len(area), count, p=area / area.sum())]
        weights = rng.dirichlet((1.0, 1.0, 1.0), count)[..., None]
        points.append((patch.vertices[faces] * weights).sum(axis=1))
        tint = np.broadcast_to(np.array(patch.color[:3], np.float64), (count, 3))
        if patch.texture is not None:
            u, v = (patch.texcoords[faces] * weights).sum(axis=1).T % 1.0
            height, width = patch.texture.shape[:2]
            texels = patch.texture[(v * height).astype(int) % height, (u * width).astype(int) % width]
            tint = tint * texels / 255.0
        colors.append(tint)
    return np.concatenate(points), np.concatenate(colors)
