"""Fewer triangles: a model as a whole is brought down to a limit, and its textures stay where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from trimesh.graph import connected_component_labels
from trimesh.grouping import unique_rows

from training.library.wavefront import Part

SMALL = 0.12  # of the model's diagonal: pieces of foliage and the like are smaller
MANY = 150  # such pieces
THINNEST = 1 / 12  # share of the pieces that stays at least
LARGEST_GROWTH = 1.8  # of a piece that stands for those that went
CHOICE_SEED = 0
ROUNDS = 3


def clean(part: Part) -> Part:
    """A part without triangles that have no area or are there twice."""
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    doubled_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    faces = part.faces[doubled_area > 1e-9 * scale**2]
    if len(faces):
        corners = np.sort(weld(part.vertices, scale)[faces], axis=1)
        turned = _parity(weld(part.vertices, scale)[faces])
        first = np.sort(unique_rows(np.column_stack([corners, turned]))[0])
        faces = faces[first]
    return replace(part, faces=faces)


def _parity(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 or 1: which way round a triangle runs through its corners, so that both sides of a leaf are not taken as one."""
    first = np.argmin(faces, axis=1)
    row = np.arange(len(faces))
    return (faces[row, (first + 1) % 3] > faces[row, (first + 2) % 3]).astype(np.int64)


def weld(vertices: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    """For each vertex the number of its place, the same for vertices within a hundred-thousandth of the scale."""
    keys = np.round(vertices / (1e-5 * scale)).astype(np.int64)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def simplify(parts: Sequence[Part], limit: int) -> list[Part]:
    """Parts with at most ``limit`` triangles together, about; parts that already have so few stay as they are."""
    total = sum(len(part.faces) for part in parts)
    if total <= limit:
        return list(parts)
    parts = _thin_out(parts, limit)
    welded = [_welded(part) for part in parts]
    offsets = np.cumsum([0, *(len(points) for points, _ in welded)])
    points = np.concatenate([points for points, _ in welded])
    faces = np.concatenate([faces + offset for (_, faces), offset in zip(welded, offsets, strict=False)])
    owner = np.repeat(np.arange(len(parts)), np.diff(offsets))
    for _ in range(ROUNDS):  # one round stops early where many borders are
        if len(faces) <= limit:
            break
        points, faces, owner = _collapse(points, faces, owner, limit)
    result = []
    for i, part in enumerate(parts):
        mine = faces[owner[faces[:, 0]] == i]
        if len(mine):
            used, compact = np.unique(mine, return_inverse=True)
            result.append(_textured(part, points[used], compact.reshape(-1, 3)))
    return result


def _welded(part: Part) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places and triangles of a part, corners at the same place joined."""
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    places = weld(part.vertices, scale)
    _, first = np.unique(places, return_index=True)
    faces = places[part.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return part.vertices[first], faces[proper]


def _collapse(
    points: NDArray[np.float64], faces: NDArray[np.int64], owner: NDArray[np.int64], limit: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    middle, scale = points.mean(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-9)
    normalized = (points - middle) / scale
    _, _, collapses = fast_simplification.simplify(
        normalized, faces.astype(np.int32), target_count=limit, agg=5, return_collapses=True
    )
    new_points, new_faces, new_index = fast_simplification.replay_simplification(
        normalized, faces.astype(np.int32), collapses
    )
    valid = new_index >= 0
    new_owner = np.zeros(len(new_points), dtype=np.int64)
    new_owner[new_index[valid]] = owner[valid]
    new_points = _tamed(new_points, normalized[valid], new_index[valid])
    return new_points * scale + middle, new_faces.astype(np.int64), new_owner


def _tamed(
    points: NDArray[np.float64], originals: NDArray[np.float64], index: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Points (V, 3), those that flew off put back among the originals (N, 3) that they stand for.

    The best place for a point is ill defined where everything around it is flat.
    """
    low, high = np.full(points.shape, np.inf), np.full(points.shape, -np.inf)
    np.minimum.at(low, index, originals)
    np.maximum.at(high, index, originals)
    margin = 0.1 * np.linalg.norm(high - low, axis=1, keepdims=True) + 1e-4
    near = ((points >= low - margin) & (points <= high + margin)).all(axis=1)  # false where a point is no number
    astray = ~near & np.isfinite(low[:, 0])
    middle = np.zeros(points.shape)
    np.add.at(middle, index, originals)
    middle /= np.maximum(np.bincount(index, minlength=len(points)), 1)[:, None]
    return np.where(astray[:, None], middle, points)


def _thin_out(parts: Sequence[Part], limit: int) -> list[Part]:
    """Foliage with fewer, larger leaves: simplification alone would leave shreds of each."""
    total = sum(len(part.faces) for part in parts)
    diagonal = float(np.linalg.norm(np.ptp(np.concatenate([part.vertices[part.faces[:, 0]] for part in parts]), axis=0)))
    keep = max(THINNEST, 2 * limit / total)
    if keep >= 1:
        return list(parts)
    return [_fewer_pieces(part, keep, diagonal) for part in parts]


def _fewer_pieces(part: Part, keep: float, diagonal: float) -> Part:
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    places = weld(part.vertices, scale)
    faces = places[part.faces]
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    labels = connected_component_labels(edges, node_count=places.max() + 1)[places]
    count = labels.max() + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, labels, part.vertices)
    np.maximum.at(high, labels, part.vertices)
    small = np.linalg.norm(high - low, axis=1) < SMALL * diagonal
    if small.sum() < MANY:
        return part
    kept = ~small | (np.random.default_rng(CHOICE_SEED).random(count) < keep)
    growth = np.where(small, min(LARGEST_GROWTH, keep**-0.5), 1.0)[labels][:, None]
    middle = ((low + high) / 2)[labels]
    vertices = middle + (part.vertices - middle) * growth
    vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
    return replace(part, vertices=vertices, faces=part.faces[kept[labels[part.faces[:, 0]]]])


def _textured(part: Part, points: NDArray[np.float64], faces: NDArray[np.int64]) -> Part:
    """A simplified part with texture coordinates from the original.

    Each triangle takes those of one piece of the original's texture, the nearest, so that none spans a seam.
    """
    if part.texcoords is None:
        return replace(part, vertices=points, faces=faces)
    corners = points[faces]  # (F, 3, 3)
    normals = unit_normals(points, faces)
    original_normals = unit_normals(part.vertices, part.faces)
    centres = part.vertices[part.faces].mean(axis=1)
    scale = float(np.linalg.norm(corners.max(axis=(0, 1)) - corners.min(axis=(0, 1)))) or 1.0
    # the normal in the key keeps the two sides of a thin thing apart
    tree = cKDTree(np.column_stack([centres, 0.05 * scale * original_normals]))
    _, nearest = tree.query(np.column_stack([corners.mean(axis=1), 0.05 * scale * normals]))
    charts = connected_component_labels(
        np.concatenate([part.faces[:, :2], part.faces[:, 1:]]), node_count=len(part.vertices)
    )[part.faces[:, 0]]
    texcoords = np.zeros((len(faces), 3, 2))
    for chart in np.unique(charts[nearest]):
        mine, theirs = np.flatnonzero(charts[nearest] == chart), np.flatnonzero(charts == chart)
        _, hit = cKDTree(centres[theirs]).query(corners[mine].reshape(-1, 3))
        texcoords[mine] = _interpolated(part, theirs[hit], corners[mine].reshape(-1, 3)).reshape(-1, 3, 2)
    return replace(
        part,
        vertices=corners.reshape(-1, 3),
        faces=np.arange(3 * len(faces)).reshape(-1, 3),
        texcoords=texcoords.reshape(-1, 2),
    )


def _interpolated(part: Part, faces: NDArray[np.int64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Texture coordinates (N, 2) at points (N, 3) on or near the given faces (N,)."""
    a, b, c = (part.vertices[part.faces[faces, i]] for i in range(3))
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    area = np.maximum(uu * vv - uv**2, 1e-30)
    s, t = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    weights = np.clip(np.stack([1 - s - t, s, t], axis=1), -0.5, 1.5)  # their sum stays above 0
    weights /= weights.sum(axis=1, keepdims=True)
    assert part.texcoords is not None
    return (weights[:, :, None] * part.texcoords[part.faces[faces]]).sum(axis=1)


def unit_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """The normals (F, 3) of triangles, of length 1, or 0 where there is no area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
