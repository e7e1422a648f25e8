"""Reads a Matterport3D scan: its objects, its mesh, and the poses of its panoramas.

Formats: niessner/Matterport, data_organization.md; connectivity: peteanderson80/Matterport3DSimulator. A scan's files
are found in DIR/<scan>, DIR/<scan>/<scan> (the archives unpacked inside) and the same below DIR/v1/scans.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError
from mdsm_ros.foreign import read_json

MPCAT40 = (
    "void",
    "wall",
    "floor",
    "chair",
    "door",
    "table",
    "picture",
    "cabinet",
    "cushion",
    "window",
    "sofa",
    "bed",
    "curtain",
    "chest_of_drawers",
    "plant",
    "sink",
    "stairs",
    "ceiling",
    "toilet",
    "stool",
    "towel",
    "mirror",
    "tv_monitor",
    "shower",
    "column",
    "bathtub",
    "counter",
    "fireplace",
    "lighting",
    "beam",
    "railing",
    "shelving",
    "blinds",
    "gym_equipment",
    "seating",
    "board_panel",
    "furniture",
    "appliances",
    "clothes",
    "objects",
    "misc",
    "unlabeled",
)
"""The 42 categories of ``metadata/mpcat40.tsv`` in their order."""

_ROOTS = ("", "v1/scans", "scans")
_CONNECTIVITY = ("{}_connectivity.json", "connectivity/{}_connectivity.json")


@dataclass(frozen=True)
class SceneObject:
    """An ``O`` line of a .house file with its category's names; ``category`` is one of :data:`MPCAT40`."""

    index: int
    region: int
    name: str
    category: str


@dataclass(frozen=True)
class House:
    """The objects of a .house file.

    Attributes:
        objects: Objects by object index, which is REVERIE's objId.
        object_of_segment: Object index by segment id (``E`` lines).
    """

    objects: dict[int, SceneObject]
    object_of_segment: dict[int, int]


@dataclass(frozen=True)
class Panorama:
    """The pose of a panorama; ``pose`` is camera to scan, (4, 4), metres."""

    name: str
    pose: NDArray[np.float64]


def find(root: Path, scan: str, relative: str) -> Path:
    """Finds a file of a scan.

    Raises:
        DatasetError: The file is in none of the known places.
    """
    places = [root / top / sub / relative for top in _ROOTS for sub in (scan, f"{scan}/{scan}")]
    for place in places:
        if place.exists():
            return place
    raise DatasetError(f"scan {scan}: {relative} is missing, expected at {places[0]} or below v1/scans")


def read_house(path: Path) -> House:
    """Reads ``<scan>.house``.

    Raises:
        DatasetError: A line has another form, or refers to a missing line.
    """
    categories: dict[int, tuple[str, str]] = {}
    objects: dict[int, SceneObject] = {}
    segments: dict[int, int] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DatasetError(f"{path} is not readable: {error}") from error
    if not lines or not lines[0].startswith("ASCII"):
        raise DatasetError(f"{path}: the first line is {lines[0][:40] if lines else ''!r}, expected 'ASCII 1.1'")
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            if words and words[0] == "C":
                categories[int(words[1])] = (words[3].replace("#", " "), words[5])
            elif words and words[0] == "O":
                name, category = categories.get(int(words[3]), ("unknown", "unlabeled"))
                category = category if category in MPCAT40 else "unlabeled"
                objects[int(words[1])] = SceneObject(int(words[1]), int(words[2]), name, category)
            elif words and words[0] == "E":
                segments[int(words[3])] = int(words[2])
        except (IndexError, ValueError) as error:
            raise DatasetError(f"{path}:{number}: {line[:60]!r} is not a {words[0]} line: {error}") from error
    if not objects or not segments:
        raise DatasetError(f"{path} has {len(objects)} objects and {len(segments)} segments, expected some of both")
    return House(objects, segments)


def read_mesh(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
    """Reads a whole-house .ply: vertices (V, 3) in metres, faces (F, 3), and the segment id of each face (F,).

    Raises:
        DatasetError: The file is damaged, is not a triangle mesh, or its faces have no ``face_material``.
    """
    from plyfile import PlyData

    try:
        ply = PlyData.read(str(path), known_list_len={"face": {"vertex_indices": 3}})
        vertex, face = ply["vertex"], ply["face"]
        vertices = np.stack([np.asarray(vertex[axis], dtype=np.float32) for axis in "xyz"], axis=1)
        faces = np.stack(face["vertex_indices"]).astype(np.int32)
        segments = np.asarray(face["face_material"], dtype=np.int64)
    except Exception as error:  # damaged files fail in many ways
        raise DatasetError(
            f"{path} is not a triangle mesh with face_material: {type(error).__name__}: {error}"
        ) from error
    if not len(faces) or faces.min() < 0 or faces.max() >= len(vertices):
        raise DatasetError(f"{path}: faces name vertices that are not there, expected 0 to {len(vertices) - 1}")
    return vertices, faces, segments


def read_connectivity(root: Path, scan: str) -> dict[str, Panorama]:
    """Reads the panoramas of a scan, by viewpoint id.

    Args:
        root: Folder that contains ``<scan>_connectivity.json`` or ``connectivity/<scan>_connectivity.json``.
        scan: Name of the scan.

    Raises:
        DatasetError: The file is missing or has another form.
    """
    path = next((root / name.format(scan) for name in _CONNECTIVITY if (root / name.format(scan)).exists()), None)
    if path is None:
        raise DatasetError(f"scan {scan}: {root / _CONNECTIVITY[0].format(scan)} is missing")
    try:
        entries = read_json(path, DatasetError, "a scan's panoramas")
        poses = {str(e["image_id"]): np.array(e["pose"], dtype=np.float64).reshape(4, 4) for e in entries}
        if not all(np.isfinite(pose).all() for pose in poses.values()):
            raise DatasetError("a pose is not finite")
    except Exception as error:  # fields may have any type
        raise DatasetError(f"{path} does not have the form of a connectivity file: {error}") from error
    return {name: Panorama(name, pose) for name, pose in poses.items()}


def read_regions(path: Path) -> dict[str, int]:
    """Reads the region of each panorama from ``panorama_to_region.txt`` (fields: index, panorama, region, label).

    Raises:
        DatasetError: The file is unreadable or a line has another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not readable: {error}") from error
    regions = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        try:
            regions[words[1]] = int(words[2])
        except (IndexError, ValueError) as error:
            raise DatasetError(f"{path}:{number}: {line!r}, expected index, panorama, region and label") from error
    return regions
