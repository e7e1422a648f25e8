"""Makes images of views, reprojected from a panorama's skybox.

The six faces ``<panorama>_skybox{0..5}_sami.jpg`` show up, back, left, front, right and down in the camera frame of
the panorama's pose (x right, y down, z to the front). Four sides have the horizon upright; the upper edge of the face
up is the front, that of the face down the back, and both have left on their right-hand side. This follows from how
Matterport3DSimulator makes its cube map: faces in the order +y, +z, +x, -z, -x, -y, looked up at minus the direction in
the panorama's frame by OpenGL's rule for cube maps (NavGraph.cpp, MatterSim.cpp).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError
from mdsm_ros.pixels import open_picture, picture_to_rgb

FACES = 6

_MAJOR = {0: (1, 1), 1: (2, 1), 2: (0, 1), 3: (2, -1), 4: (0, -1), 5: (1, -1)}
"""Axis of the cube map and its sign, for each face."""
_COLUMN = {0: (0, 1), 1: (0, 1), 2: (2, -1), 3: (0, -1), 4: (2, 1), 5: (0, 1)}
"""Axis and sign along which a face's columns run."""
_ROW = {0: (2, 1), 1: (1, -1), 2: (1, -1), 3: (1, -1), 4: (1, -1), 5: (2, -1)}
"""Axis and sign along which a face's rows run, downwards."""


def read_skybox(folder: Path, panorama: str) -> NDArray[np.uint8]:
    """Reads the faces of a panorama, (6, S, S, 3) RGB.

    Raises:
        DatasetError: A face is missing, unreadable, not square, or of another size than the others.
    """
    faces: list[NDArray[np.uint8]] = []
    for number in range(FACES):
        path = folder / f"{panorama}_skybox{number}_sami.jpg"
        try:
            face = picture_to_rgb(open_picture(path))
        except FileNotFoundError as error:
            raise DatasetError(f"{path} is missing, expected a face of a skybox") from error
        except Exception as error:  # decoders of untrusted data fail in many ways
            raise DatasetError(f"{path} is not a readable image: {error}") from error
        if face.shape[0] != face.shape[1] or (faces and face.shape != faces[0].shape):
            raise DatasetError(f"{path} is {face.shape[1]}x{face.shape[0]} pixels, expected squares of one size")
        faces.append(face)
    return np.stack(faces)


def sample(
    faces: NDArray[np.uint8], directions: NDArray[np.float64], rotation: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Samples colours in some directions, with bilinear interpolation.

    Args:
        faces: Faces (6, S, S, 3) from :func:`read_skybox`.
        directions: Directions (..., 3) in the scan's frame, of any length.
        rotation: Rotation (3, 3) of the panorama's pose, from camera to scan.

    Returns:
        (..., 3) RGB.
    """
    looked_up = -(directions.reshape(-1, 3) @ rotation)  # R^T d for each row
    axis = np.abs(looked_up).argmax(axis=1)
    rows = np.arange(len(looked_up))
    length = looked_up[rows, axis]
    side = faces.shape[1]
    padded = _with_borders(faces)
    result = np.empty((len(looked_up), 3), dtype=np.uint8)
    for face in range(FACES):
        major, sign = _MAJOR[face]
        chosen = np.flatnonzero((axis == major) & (np.sign(length) == sign))
        if not len(chosen):
            continue
        scaled = looked_up[chosen] / np.abs(length[chosen])[:, None]
        (c_axis, c_sign), (r_axis, r_sign) = _COLUMN[face], _ROW[face]
        column = (c_sign * scaled[:, c_axis] + 1) / 2 * side + 0.5  # +1 for the border, -0.5 for the pixel's centre
        row = (r_sign * scaled[:, r_axis] + 1) / 2 * side + 0.5
        result[chosen] = _bilinear(padded[face], row, column)
    return result.reshape(directions.shape)


def _bilinear(image: NDArray[np.uint8], row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.uint8]:
    r, c = np.floor(row).astype(int), np.floor(column).astype(int)
    dr, dc = (row - r)[:, None], (column - c)[:, None]
    upper = image[r, c] * (1 - dc) + image[r, c + 1] * dc
    lower = image[r + 1, c] * (1 - dc) + image[r + 1, c + 1] * dc
    pixels: NDArray[np.uint8] = np.rint(upper * (1 - dr) + lower * dr).astype(np.uint8)
    return pixels


def _with_borders(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Adds a border of one pixel from the neighbouring faces, so that no seam is visible."""
    side = faces.shape[1]
    padded = np.pad(faces, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    inside = (np.arange(side) + 0.5) / side * 2 - 1
    beyond = 1 + 1.0 / side
    along = slice(1, -1)
    edges = (
        (along, 0, -beyond, inside),
        (along, side + 1, beyond, inside),
        (0, along, inside, -beyond),
        (side + 1, along, inside, beyond),
    )
    for face in range(FACES):
        for r, c, column, row in edges:
            padded[face, r, c] = _nearest(faces, face, *np.broadcast_arrays(column, row))
    return padded


def _nearest(
    faces: NDArray[np.uint8], face: int, column: NDArray[np.float64], row: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Returns pixels of other faces for a face's coordinates outside [-1, 1]."""
    directions = np.zeros((len(column), 3))
    (major, sign), (c_axis, c_sign), (r_axis, r_sign) = _MAJOR[face], _COLUMN[face], _ROW[face]
    directions[:, major], directions[:, c_axis], directions[:, r_axis] = sign, c_sign * column, r_sign * row
    axis = np.abs(directions).argmax(axis=1)
    length = directions[np.arange(len(directions)), axis]
    side = faces.shape[1]
    result = np.empty((len(directions), 3), dtype=np.uint8)
    for other in range(FACES):
        o_major, o_sign = _MAJOR[other]
        chosen = np.flatnonzero((axis == o_major) & (np.sign(length) == o_sign))
        scaled = directions[chosen] / np.abs(length[chosen])[:, None]
        (oc_axis, oc_sign), (or_axis, or_sign) = _COLUMN[other], _ROW[other]
        index = [
            np.clip(((s * scaled[:, a] + 1) / 2 * side).astype(int), 0, side - 1)
            for a, s in ((or_axis, or_sign), (oc_axis, oc_sign))
        ]
        result[chosen] = faces[other, index[0], index[1]]
    return result
