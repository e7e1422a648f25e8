"""Fewer triangles: a model as a whole is brought down to a limit, and its textures stay where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import meshoptimizer
import numpy as np
from numpy.typing import NDArray
from trimesh import Trimesh
from trimesh.graph import connected_component_labels
from trimesh.repair import fix_winding

from mdsm_ros.errors import DatasetError
from training.library.mesh.wavefront import Part

SMALL = 0.12  # of the model's diagonal: pieces of foliage and the like are smaller
MANY = 150  # such pieces
LEAF = 40  # triangles of an open piece
THINNEST = 1 / 40  # share of the pieces that stays at least
LARGEST_GROWTH = 2.5  # of a piece that stands for those that went
CHOICE_SEED = 0
ATTEMPTS = ((0.004, False), (0.008, False), (0.02, True), (1.0, True))  # error of the extent, whether small pieces go


def clean(part: Part) -> list[Part]:
    """A part without triangles that have no area or are there twice, and its sheets.

    A sheet is what has a triangle for each side in the same place; it gets one of them and is called two-sided.
    To a simplifier both together would be a body without volume, any of whose corners may go.
    """
    if not len(part.faces):
        return []
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    doubled_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    faces = part.faces[doubled_area > 1e-9 * scale**2]
    if not len(faces):
        return []
    places = weld(part.vertices, scale)[faces]
    corners = np.sort(places, axis=1)
    _, first = np.unique(np.column_stack([corners, _parity(places)]), axis=0, return_index=True)
    faces, corners = faces[np.sort(first)], corners[np.sort(first)]
    _, first, inverse, counts = np.unique(corners, axis=0, return_index=True, return_inverse=True, return_counts=True)
    single = counts[inverse.reshape(-1)] == 1
    sheets = _same_way_round(faces[np.sort(first[counts > 1])], weld(part.vertices, scale))
    pieces = [replace(part, faces=faces[single]), replace(part, faces=sheets, two_sided=True)]
    return [piece for piece in pieces if len(piece.faces)]


def _same_way_round(faces: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles turned so that neighbours face the same way."""
    if not len(faces):
        return faces
    welded = Trimesh(np.zeros((int(places.max()) + 1, 3)), places[faces], process=False, validate=False)
    fix_winding(welded)
    turned = (np.asarray(welded.faces) != places[faces]).any(axis=1)
    return np.where(turned[:, None], faces[:, ::-1], faces)


def _parity(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 or 1: which way round a triangle runs, so that the two sides of a leaf are not taken as one."""
    first = np.argmin(faces, axis=1)
    row = np.arange(len(faces))
    parity: NDArray[np.int64] = (faces[row, (first + 1) % 3] > faces[row, (first + 2) % 3]).astype(np.int64)
    return parity


def weld(vertices: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    """For each vertex the number of its place, the same for vertices within a hundred-thousandth of the scale."""
    keys = np.round(vertices / (1e-5 * scale)).astype(np.int64)
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def simplify(parts: Sequence[Part], limit: int, most: int) -> list[Part]:
    """Parts with ``limit`` triangles together, or up to ``most`` where the form would suffer; fewer stay as they are.

    Corners are only left out, never moved, so that seams of textures and borders between materials stay closed.
    """
    if sum(len(part.faces) for part in parts) <= limit:
        return list(parts)
    parts = [_indexed(part) for part in _thin_out(parts, limit)]
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)])
    points = np.concatenate([part.vertices for part in parts]).astype(np.float32)
    faces = _collapsed(faces, points, limit, most)
    owner = np.searchsorted(offsets, faces[:, 0], side="right") - 1
    result = [replace(part, faces=faces[owner == i] - offsets[i]) for i, part in enumerate(parts)]
    return [part for part in result if len(part.faces)]


def _collapsed(faces: NDArray[np.int64], points: NDArray[np.float32], limit: int, most: int) -> NDArray[np.int64]:
    indices = np.ascontiguousarray(faces.reshape(-1), dtype=np.uint32)
    for error, prune in ATTEMPTS:
        rest = np.zeros_like(indices)
        options = meshoptimizer.SIMPLIFY_PRUNE if prune else 0
        count = meshoptimizer.simplify(
            rest, indices, points, target_index_count=3 * limit, target_error=error, options=options
        )
        if count <= 3 * most:
            break
    if count == 0:
        raise DatasetError(f"it cannot be simplified to {limit} triangles: all of its pieces are small")
    return rest[:count].reshape(-1, 3).astype(np.int64)


def _indexed(part: Part) -> Part:
    """A part in which corners that are alike are one vertex."""
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    keys = weld(part.vertices, scale)[:, None]
    if part.texcoords is not None:
        keys = np.column_stack([keys, np.round(part.texcoords * 1e5).astype(np.int64)])
    used = np.unique(part.faces)
    _, first, inverse = np.unique(keys[used], axis=0, return_index=True, return_inverse=True)
    number = np.zeros(len(part.vertices), dtype=np.int64)
    number[used] = inverse.reshape(-1)
    texcoords = None if part.texcoords is None else part.texcoords[used][first]
    faces = number[part.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return replace(part, vertices=part.vertices[used][first], faces=faces[proper], texcoords=texcoords)


def _thin_out(parts: Sequence[Part], limit: int) -> list[Part]:
    """Foliage with fewer, larger leaves: simplification alone would leave shreds of each."""
    total = sum(len(part.faces) for part in parts)
    points = np.concatenate([part.vertices[part.faces[:, 0]] for part in parts])
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
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
    triangles = np.bincount(labels[part.faces[:, 0]], minlength=count)
    small = (np.linalg.norm(high - low, axis=1) < SMALL * diagonal) & (triangles <= LEAF)
    small[np.setdiff1d(np.arange(count), labels[part.faces[_on_border(faces), 0]])] = False  # crystals, links of chains
    if small.sum() < MANY:
        return part
    kept = ~small | (np.random.default_rng(CHOICE_SEED).random(count) < keep)
    growth = np.where(small, min(LARGEST_GROWTH, keep**-0.5), 1.0)[labels][:, None]
    middle = ((low + high) / 2)[labels]
    vertices = middle + (part.vertices - middle) * growth
    vertices[:, 2] = np.maximum(vertices[:, 2], 0.0)
    return replace(part, vertices=vertices, faces=part.faces[kept[labels[part.faces[:, 0]]]])


def _on_border(faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a triangle has an edge that no other triangle shares."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, inverse, counts = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    border: NDArray[np.bool_] = (counts[inverse.reshape(-1)] == 1).reshape(3, len(faces)).any(axis=0)
    return border


def connected_pieces(part: Part) -> NDArray[np.int64]:
    """For each triangle the number of the piece that it hangs together with (F,)."""
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    faces = weld(part.vertices, scale)[part.faces]
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    labels: NDArray[np.int64] = connected_component_labels(edges, node_count=int(faces.max()) + 1)[faces[:, 0]]
    return labels


def area(part: Part) -> float:
    """The area of a part's triangles."""
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def unit_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """The normals (F, 3) of triangles, of length 1, or 0 where there is no area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    unit: NDArray[np.float64] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    return unit
