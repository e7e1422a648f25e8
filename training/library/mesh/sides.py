"""Which side of each triangle is outside, and smooth normals.

Renderers that draw the front of a triangle only (MuJoCo) show holes where authors were careless with the winding,
and nothing at all of leaves and lampshades from behind. Rays from both sides of each triangle find out what is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from trimesh import Trimesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from mdsm_ros.library.shapes import Patch
from training.library.mesh.simplify import connected_pieces, unit_normals, weld
from training.library.mesh.wavefront import Part

RAYS = 24  # from each side of a triangle
OPEN = 0.25  # share of rays that escape where a side is seen; less comes in through gaps and missing bottoms
SEEN = 0.02  # share of rays that escape where a side is kept that was in the file
CLOSED = 0.04  # share of rays that escape where a side is not seen
LINING = 4e-4  # of the model's diagonal, the thickness of a sheet that has two sides already
CREASE = np.cos(np.deg2rad(42.0))  # sharper edges stay sharp
SKY_SEED = 0
MOST_PAIRS = 2_000_000  # of corners compared at once
LEAST_VERTICES = 4  # that MuJoCo wants of a mesh


def face_outwards(parts: Sequence[Part]) -> list[Part]:
    """Parts whose triangles show their front where they are seen, and are there twice where both sides are seen.

    Authors' winding is kept wherever it can be right: only pieces of which nothing but the back is seen are turned.
    """
    vertices = np.concatenate([part.vertices for part in parts])
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)])
    normals = unit_normals(vertices, faces)
    front, back = _openness(vertices, faces, normals), _openness(vertices, faces, -normals)
    both = (front >= OPEN) & (back >= OPEN) & ~_is_lined(vertices, faces, normals)
    result, start = [], 0
    for part in parts:
        stop = start + len(part.faces)
        ahead, behind = front[start:stop], back[start:stop]
        if part.two_sided:  # backs that nobody sees go
            flip, doubled = (ahead < SEEN) & (behind >= SEEN), (ahead >= SEEN) & (behind >= SEEN)
        else:
            flip, doubled = _seen_from_behind(part, ahead, behind), both[start:stop]
        turned = np.where(flip[:, None], part.faces[:, ::-1], part.faces)
        doubled = turned[doubled][:, ::-1]
        result.append(replace(part, faces=np.concatenate([turned, doubled]), two_sided=False))
        start = stop
    return result


def _seen_from_behind(part: Part, front: NDArray[np.float64], back: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a triangle belongs to a connected piece that shows its backs only."""
    piece = connected_pieces(part)
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    weights = np.linalg.norm(np.cross(b - a, c - a), axis=1) + 1e-12
    total = np.maximum(np.bincount(piece, weights), 1e-12)
    seen_front, seen_back = (np.bincount(piece, weights * side) / total for side in (front, back))
    return ((seen_front < CLOSED) & (seen_back > OPEN))[piece]


def _openness(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], normals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share of rays from each triangle, on the side of a normal, that meet nothing."""
    scale = float(np.linalg.norm(np.ptp(vertices, axis=0))) or 1.0
    caster = RayMeshIntersector(Trimesh(vertices, faces, process=False, validate=False))
    rng = np.random.default_rng(SKY_SEED)
    sky = rng.normal(size=(RAYS, 3))
    sky /= np.linalg.norm(sky, axis=1, keepdims=True)
    directions = normals[:, None, :] + 0.999 * sky[None]  # more of them along the normal, as light falls
    directions = (directions / np.linalg.norm(directions, axis=2, keepdims=True)).reshape(-1, 3)
    origins = np.repeat(vertices[faces].mean(axis=1) + 1e-4 * scale * normals, RAYS, axis=0)
    met = caster.intersects_any(origins, directions)
    openness: NDArray[np.float64] = 1.0 - met.reshape(len(faces), RAYS).mean(axis=1)
    return openness


def _is_lined(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], normals: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether a triangle's back is already the front of others, in the same place or a hair behind."""
    hair = LINING * (float(np.linalg.norm(np.ptp(vertices, axis=0))) or 1.0)
    centres = vertices[faces].mean(axis=1)
    main = np.abs(normals).argmax(axis=1)
    upward = normals[np.arange(len(faces)), main] > 0
    lined = np.zeros(len(faces), dtype=bool)
    for side in (True, False):  # what lines a triangle faces the other way
        mine, others = np.flatnonzero(upward == side), faces[upward != side]
        if not len(mine) or not len(others):
            continue
        caster = RayMeshIntersector(Trimesh(vertices, others, process=False, validate=False))
        origins = centres[mine] + hair * normals[mine]
        points, rays, _ = caster.intersects_location(origins, -normals[mine], multiple_hits=False)
        close = np.linalg.norm(np.asarray(points).reshape(-1, 3) - origins[rays], axis=1) < 2 * hair
        lined[mine[np.asarray(rays)[close]]] = True
    return lined


def to_patches(parts: Sequence[Part]) -> list[Patch]:
    """Patches, one for each material, of parts of which some share one."""
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        groups.setdefault((part.color, id(part.texture), part.specular, part.texcoords is None), []).append(part)
    return [to_patch(_joined(group)) for group in groups.values()]


def _joined(parts: Sequence[Part]) -> Part:
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts)])
    texcoords = [part.texcoords for part in parts if part.texcoords is not None]
    return replace(
        parts[0],
        vertices=np.concatenate([part.vertices for part in parts]),
        faces=np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)]),
        texcoords=np.concatenate(texcoords) if texcoords else None,
    )


def to_patch(part: Part) -> Patch:
    """A part with normals that are smooth except across creases, and no vertex more than that needs."""
    faces = part.faces
    corners = part.vertices[faces]  # (F, 3, 3)
    normals = _corner_normals(part)
    texcoords = np.zeros((len(faces), 3, 2)) if part.texcoords is None else part.texcoords[faces]
    rows = np.concatenate([corners, normals, texcoords], axis=2).reshape(-1, 8).astype(np.float32)
    keys = np.round(rows / np.array([1e-5] * 3 + [1e-3] * 3 + [1e-5] * 2, dtype=np.float32)).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    unique = rows[first]
    if len(unique) < LEAST_VERTICES:
        unique = np.concatenate([unique, np.repeat(unique[-1:], LEAST_VERTICES - len(unique), axis=0)])
    return Patch(
        vertices=np.ascontiguousarray(unique[:, :3]),
        normals=np.ascontiguousarray(unique[:, 3:6]),
        faces=inverse.reshape(-1, 3).astype(np.int32),
        texcoords=np.ascontiguousarray(unique[:, 6:]),
        color=part.color,
        texture=part.texture,
        specular=part.specular,
    )


def _corner_normals(part: Part) -> NDArray[np.float64]:
    """A normal (F, 3, 3) for each corner: the mean of those of the triangles around it that are no crease away."""
    faces, count = part.faces, len(part.faces)
    flat = unit_normals(part.vertices, faces)
    weights = _corner_angles(part.vertices[faces]).reshape(-1)
    scale = max(float(np.ptp(part.vertices, axis=0).max()), 1e-9)
    places = weld(part.vertices, scale)[faces].reshape(-1)
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.diff(places[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    total = np.zeros((3 * count, 3))
    for size in np.unique(sizes):  # corners of places with the same number of corners at once
        index = order[starts[sizes == size][:, None] + np.arange(size)]  # (G, size)
        for group in np.array_split(index, max(1, index.size * size // MOST_PAIRS)):
            around = flat[group // 3]
            alike = np.einsum("gic,gjc->gij", around, around) >= CREASE
            total[group.reshape(-1)] = np.einsum("gij,gjc->gic", alike * weights[group][:, None, :], around).reshape(
                -1, 3
            )
    length = np.linalg.norm(total, axis=1, keepdims=True)
    normals = np.where(length > 1e-9, total / np.maximum(length, 1e-9), np.repeat(flat, 3, axis=0))
    return normals.reshape(count, 3, 3)


def _corner_angles(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inner angles (F, 3) of triangles (F, 3, 3)."""
    angles = []
    for i in range(3):
        u, v = corners[:, (i + 1) % 3] - corners[:, i], corners[:, (i + 2) % 3] - corners[:, i]
        length = np.maximum(np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1), 1e-30)
        angles.append(np.arccos(np.clip((u * v).sum(axis=1) / length, -1.0, 1.0)))
    radians: NDArray[np.float64] = np.maximum(np.stack(angles, axis=1), 1e-6)
    return radians
