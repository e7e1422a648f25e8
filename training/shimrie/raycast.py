"""Finds the object at each pixel of a view: the first hit of one ray per pixel in the whole-house mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.shimrie.views import HEIGHT, WIDTH, View

NOTHING = -1


class RayCaster:
    """Casts rays into a mesh whose faces belong to objects (trimesh with Embree).

    Args:
        vertices: Vertices in metres, (V, 3).
        faces: Triangles (F, 3).
        objects: Object index of each face (F,), :data:`NOTHING` for faces without an object.
    """

    def __init__(self, vertices: NDArray[np.float32], faces: NDArray[np.int32], objects: NDArray[np.int32]) -> None:
        import trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        mesh = trimesh.Trimesh(vertices=vertices, faces=faces, process=False, validate=False)
        self._intersector = RayMeshIntersector(mesh)
        self._objects = np.append(objects, NOTHING).astype(np.int32)  # the last entry is for rays without a hit

    def objects(self, position: NDArray[np.float64], view: View) -> NDArray[np.int32]:
        """Returns the object at each pixel (480, 640); ``position`` is the viewpoint in the scan's frame, metres."""
        directions = view.directions().reshape(-1, 3)
        origins = np.broadcast_to(position, directions.shape)
        hit = self._intersector.intersects_first(origins, directions)
        indices: NDArray[np.int32] = self._objects[hit].reshape(HEIGHT, WIDTH)
        return indices


def objects_of_faces(segments: NDArray[np.int64], object_of_segment: dict[int, int]) -> NDArray[np.int32]:
    """Returns the object index of each face from its segment id; :data:`NOTHING` if no object has the segment."""
    ids, inverse = np.unique(segments, return_inverse=True)
    owners = np.array([object_of_segment.get(int(i), NOTHING) for i in ids], dtype=np.int32)
    return owners[inverse]
