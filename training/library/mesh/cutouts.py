"""Leaves and letters that are opaque pixels of a transparent picture become triangles of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.library.mesh.wavefront import Part

OPAQUE = 0.5
FINEST = 4  # times that a triangle is divided in four
PROBES = np.array(  # barycentric
    [
        *([1 / 3, 1 / 3, 1 / 3], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]),
        *([0.47, 0.47, 0.06], [0.06, 0.47, 0.47], [0.47, 0.06, 0.47]),
    ]
)
MOST_REPEATS = 1.5  # of the picture
MOST_FACES = 1500  # of a part, before those go that show nothing


def cut_out(part: Part) -> Part:
    """A part without the triangles that only show transparent pixels; larger ones are divided first."""
    if part.cutout is None or part.texcoords is None:
        return part
    used = part.texcoords[part.faces]
    if np.ptp(used, axis=(0, 1)).max() > MOST_REPEATS:  # a weave, not leaves: its holes are too small to matter
        return replace(part, cutout=None)
    corners, uv = part.vertices[part.faces], part.texcoords[part.faces]  # (F, 3, 3), (F, 3, 2)
    for _ in range(FINEST):
        mixed = _is_mixed(part.cutout, uv)
        if not mixed.any() or len(uv) + 3 * mixed.sum() > MOST_FACES:
            break
        corners = np.concatenate([corners[~mixed], _divided(corners[mixed])])
        uv = np.concatenate([uv[~mixed], _divided(uv[mixed])])
    shown = _opacity(part.cutout, uv).mean(axis=1) > OPAQUE
    corners, uv = corners[shown], uv[shown]
    faces = np.arange(3 * len(uv)).reshape(-1, 3)
    return replace(part, vertices=corners.reshape(-1, 3), faces=faces, texcoords=uv.reshape(-1, 2), cutout=None)


def _divided(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Triangles (F, 3, D) as four each."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    four = [np.stack(three, axis=1) for three in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    return np.stack(four, axis=1).reshape(-1, 3, corners.shape[2])


def _opacity(cutout: NDArray[np.float32], uv: NDArray[np.float64]) -> NDArray[np.float32]:
    """The opacity at :data:`PROBES` in each triangle (F, 7)."""
    points = np.einsum("pk,fkc->fpc", PROBES, uv) % 1.0
    height, width = cutout.shape
    column = np.minimum((points[..., 0] * width).astype(np.int64), width - 1)
    row = np.minimum((points[..., 1] * height).astype(np.int64), height - 1)
    opacity: NDArray[np.float32] = cutout[row, column]
    return opacity


def _is_mixed(cutout: NDArray[np.float32], uv: NDArray[np.float64]) -> NDArray[np.bool_]:
    opaque = _opacity(cutout, uv) > OPAQUE
    return np.asarray(opaque.any(axis=1) & ~opaque.all(axis=1))
