"""Writes a mini-house in Matterport3D's and REVERIE's formats from a MuJoCo room, whose true masks are known."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import mujoco
import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.homes.home import Room
from mdsm_ros.homes.layout import build_room
from mdsm_ros.homes.views.scene import CameraPose, RoomRenderer
from training.shimrie.views import HEIGHT, WIDTH, View

SKYBOX = 1024
SLICES = 28  # MuJoCo draws round things with so many sides
SHELL_OBJECT = 2  # walls, floor and ceiling
YAW = 0.7  # of the panorama's camera, radians; not a multiple of a view's heading
REGION = 4
BOXED = (1, 4, 6, 9, 12, 13, 15, 16, 18, 21, 27, 30)  # views that have REVERIE's boxes: of all elevations and headings
_GEOM = mujoco.mjtGeom
Truth: TypeAlias = "dict[int, NDArray[np.int16]]"


@dataclass(frozen=True)
class Oriented(CameraPose):
    """A camera with any orientation: ``matrix`` has the columns right, up and backward."""

    matrix: Any = None

    def axes(self) -> NDArray[np.float64]:
        return np.asarray(self.matrix)


@dataclass(frozen=True)
class House:
    """A scan on disk and the room that it was made from; item i of the room is object ``object_of(i)``."""

    scan: str
    viewpoint: str
    room: Room
    position: tuple[float, float, float]

    @staticmethod
    def object_of(item: int) -> int:
        return 3 * item + 5

    def pose(self, view: View) -> Oriented:
        right, up, forward = view.axes().T
        return Oriented(self.position, (0.0, 0.0, 0.0), 60.0, np.stack([right, up, -forward], axis=1))


class SteadyRenderer(RoomRenderer):
    """Light that does not move with the camera, as in a photographed room."""

    def __init__(self, room: Room, width: int, height: int) -> None:
        super().__init__(room, width, height)
        self._model.vis.headlight.diffuse[:] = 0
        self._model.vis.headlight.specular[:] = 0
        self._model.vis.headlight.ambient[:] = 0.6

    def triangles(self) -> list[tuple[trimesh.Trimesh, int]]:
        """Every geom in the room's frame, with the item it belongs to (-1: the shell)."""
        model, data = self._model, self._data
        result = []
        for geom in range(model.ngeom):
            mesh = _geom_mesh(model, geom)
            transform = np.eye(4)
            transform[:3, :3] = data.geom_xmat[geom].reshape(3, 3)
            transform[:3, 3] = data.geom_xpos[geom]
            mesh.apply_transform(transform)
            result.append((mesh, int(self._owner[geom])))
        return result


def _geom_mesh(model: Any, geom: int) -> trimesh.Trimesh:
    a, b, c = model.geom_size[geom]
    kind = int(model.geom_type[geom])
    if kind == int(_GEOM.mjGEOM_BOX):
        return trimesh.creation.box(extents=(2 * a, 2 * b, 2 * c))
    if kind == int(_GEOM.mjGEOM_CYLINDER):
        return trimesh.creation.cylinder(radius=a, height=2 * b, sections=SLICES)
    if kind == int(_GEOM.mjGEOM_CAPSULE):
        capsule = trimesh.creation.capsule(radius=a, height=2 * b, count=(SLICES, SLICES))
        capsule.vertices[:, 2] -= capsule.bounds.mean(axis=0)[2]
        return capsule
    if kind in (int(_GEOM.mjGEOM_SPHERE), int(_GEOM.mjGEOM_ELLIPSOID)):
        sphere = trimesh.creation.uv_sphere(radius=1.0, count=(16, SLICES))
        sphere.apply_scale((a, a, a) if kind == int(_GEOM.mjGEOM_SPHERE) else (a, b, c))
        return sphere
    assert kind == int(_GEOM.mjGEOM_MESH)
    mesh = model.geom_dataid[geom]
    vertices = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]]
    return trimesh.Trimesh(vertices.copy(), faces.copy(), process=False)


def write_scan(root: Path, scan: str, kind: str, seed: int) -> House:
    """Writes one scan with one panorama into ``root/<scan>``; deterministic."""
    room = build_room(kind, seed, np.random.default_rng(seed))
    house = House(scan, f"{seed:032x}", room, (0.1, -0.15, 1.45))
    folder = root / scan / "house_segmentations"
    folder.mkdir(parents=True)
    with SteadyRenderer(room, WIDTH, HEIGHT) as renderer:
        assert isinstance(renderer, SteadyRenderer)
        geoms = renderer.triangles()
    rng = np.random.default_rng(seed)
    segment_ids = rng.permutation(10 * len(geoms))[: len(geoms)]  # as Matterport's, in no order
    _write_ply(folder / f"{scan}.ply", house, geoms, segment_ids)
    _write_house(folder / f"{scan}.house", house, [item for _, item in geoms], segment_ids)
    (folder / f"{scan}.fsegs.json").write_text(
        json.dumps({"segIndices": [int(s) for s, (m, _) in zip(segment_ids, geoms, strict=True) for _ in m.faces]})
    )
    groups = [
        {
            "id": i,
            "objectId": i,
            "label": item.kind,
            "segments": [int(s) for s, (_, o) in zip(segment_ids, geoms, strict=True) if o == i],
        }
        for i, item in enumerate(room.items)
    ]
    (folder / f"{scan}.semseg.json").write_text(json.dumps({"segGroups": groups}))
    (folder / "panorama_to_region.txt").write_text(f"0 {house.viewpoint} {REGION} b\n")
    _write_skybox(root / scan / "matterport_skybox_images", house)
    return house


def panorama_rotation() -> NDArray[np.float64]:
    """Columns: right, down and front of the panorama's camera in the scan's frame."""
    right = (np.cos(YAW), -np.sin(YAW), 0.0)
    front = (np.sin(YAW), np.cos(YAW), 0.0)
    return np.stack([right, (0.0, 0.0, -1.0), front], axis=1)


def _write_ply(path: Path, house: House, geoms: list[tuple[trimesh.Trimesh, int]], segments: NDArray[np.int64]) -> None:
    """Binary, with Matterport's face properties."""
    vertex_type = np.dtype(
        [(n, "<f4") for n in ("x", "y", "z", "nx", "ny", "nz", "tx", "ty")]
        + [(n, "u1") for n in ("red", "green", "blue")]
    )
    face_type = np.dtype(
        [("count", "u1"), ("vertex_indices", "<i4", 3)]
        + [(n, "<i4") for n in ("face_material", "face_segment", "face_category")]
    )
    vertices, faces, first = [], [], 0
    for (mesh, item), segment in zip(geoms, segments, strict=True):
        block = np.zeros(len(mesh.vertices), dtype=vertex_type)
        block["x"], block["y"], block["z"] = mesh.vertices.T
        vertices.append(block)
        face = np.zeros(len(mesh.faces), dtype=face_type)
        face["count"], face["vertex_indices"] = 3, mesh.faces + first
        face["face_material"] = segment
        face["face_segment"] = house.object_of(item) if item >= 0 else SHELL_OBJECT
        faces.append(face)
        first += len(mesh.vertices)
    all_vertices, all_faces = np.concatenate(vertices), np.concatenate(faces)
    names = {"<f4": "float", "|u1": "uchar", "<i4": "int"}
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(all_vertices)}"]
    header += [f"property {names[vertex_type[n].str]} {n}" for n in vertex_type.names or ()]
    header += [f"element face {len(all_faces)}", "property list uchar int vertex_indices"]
    header += [f"property int {n}" for n in ("face_material", "face_segment", "face_category")]
    path.write_bytes(
        ("\n".join([*header, "end_header"]) + "\n").encode() + all_vertices.tobytes() + all_faces.tobytes()
    )


def _write_house(path: Path, house: House, items: list[int], segments: NDArray[np.int64]) -> None:
    kinds = sorted({item.kind for item in house.room.items} | {"wall"})
    zeros = " 0" * 8
    lines = [
        "ASCII 1.1",
        f"H {house.scan} {house.scan} 0 1 0 0 {len(items)} {len(items)} {len(kinds)} 1 0 1" + " 0" * 16,
    ]
    lines.append(f"R {REGION} 0 0 0 b 0 0 0 -2 -2 0 2 2 2.5 2.5 0 0 0 0")
    lines.append(f"P {house.viewpoint} 0 {REGION} 0 0.1 -0.15 1.45 0 0 0 0 0")
    for i, kind in enumerate(kinds):
        label = "wall" if kind == "wall" else "objects"
        lines.append(f"C {i} {i + 1} {kind.replace(' ', '#')} 39 {label} 0 0 0 0 0")
    lines.append(f"O {SHELL_OBJECT} {REGION} {kinds.index('wall')} 0 0 0 1 0 0 0 1 0 2 2 2" + zeros)
    for i, item in enumerate(house.room.items):
        x, y, z = item.center
        lines.append(
            f"O {house.object_of(i)} {REGION} {kinds.index(item.kind)} {x} {y} {z} 1 0 0 0 1 0 "
            f"{item.extent[0]} {item.extent[1]} {item.height / 2}{zeros}"
        )
    for i, (owned_by, segment) in enumerate(zip(items, segments, strict=True)):
        owner = house.object_of(owned_by) if owned_by >= 0 else SHELL_OBJECT
        lines.append(f"E {i} {owner} {segment} 0.1 0 0 0 0 0 0 1 1 1 0 0 0 0 0")
    path.write_text("\n".join(lines) + "\n")


def _write_skybox(folder: Path, house: House) -> None:
    """The six faces as the skybox module's docstring has them, each rendered straight at it."""
    folder.mkdir(parents=True)
    right, down, front = panorama_rotation().T
    up = -down
    looks = [  # direction, and what is up in the picture
        (up, front),
        (-front, up),
        (-right, up),
        (front, up),
        (right, up),
        (down, -front),
    ]
    with SteadyRenderer(house.room, SKYBOX, SKYBOX) as renderer:
        for number, (direction, above) in enumerate(looks):
            axes = np.stack([np.cross(direction, above), above, -direction], axis=1)
            view = renderer.render(Oriented(house.position, (0.0, 0.0, 0.0), 90.0, axes), depth=False)
            Image.fromarray(view.rgb).save(folder / f"{house.viewpoint}_skybox{number}_sami.jpg", quality=95)


def write_annotations(root: Path, houses: dict[str, list[House]], objects: int) -> dict[str, Truth]:
    """REVERIE's files, for some objects of each house; boxes are 10 % larger than what can be seen.

    Args:
        root: folder, gets REVERIE_<split>.json, bbox.zip and connectivity/.
        houses: of each split.
        objects: how many objects are asked for in each house, those with the largest masks first.

    Returns:
        The item at each pixel (480, 640) of the views :data:`BOXED`, by scan and by view.
    """
    (root / "connectivity").mkdir(parents=True)
    truth: dict[str, Truth] = {}
    with zipfile.ZipFile(root / "bbox.zip", "w") as archive:
        for house in {h.scan: h for group in houses.values() for h in group}.values():
            with SteadyRenderer(house.room, WIDTH, HEIGHT) as renderer:
                truth[house.scan] = {i: renderer.items(house.pose(View(i))) for i in BOXED}
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = panorama_rotation(), house.position
            entry = {
                "image_id": house.viewpoint,
                "pose": pose.reshape(-1).tolist(),
                "included": True,
                "unobstructed": [False],
            }
            (root / "connectivity" / f"{house.scan}_connectivity.json").write_text(json.dumps([entry]))
            boxes = {house.viewpoint: _boxes(house, truth[house.scan])}
            archive.writestr(f"{house.scan}_{house.viewpoint}.json", json.dumps(boxes))
    for split, group in houses.items():
        items = []
        for house in group:
            views = truth[house.scan].values()
            sizes = {i: max(np.count_nonzero(view == i) for view in views) for i in range(len(house.room.items))}
            for i in sorted(sizes, key=lambda i: -sizes[i])[:objects]:
                kind = house.room.items[i].kind
                items.append(
                    {
                        "scan": house.scan,
                        "id": f"{split}_{house.object_of(i)}",
                        "path_id": 1,
                        "objId": house.object_of(i),
                        "path": ["0" * 32, house.viewpoint],
                        "heading": 0.0,
                        "instructions": [f"Go to the bedroom and clean the {kind}", f"Wipe the  {kind} near the door"],
                    }
                )
        (root / f"REVERIE_{split}.json").write_text(json.dumps(items))
    return truth


def _boxes(house: House, truth: Truth) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for i, item in enumerate(house.room.items):
        views, boxes = [], []
        for index, view in truth.items():
            mask = view == i
            if np.count_nonzero(mask) < 100:
                continue
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            slack = 0.05 * np.array((np.ptp(columns), np.ptp(rows)))
            x, y = np.maximum((columns[0], rows[0]) - slack, 0)
            right, bottom = np.minimum(np.add((columns[-1] + 1, rows[-1] + 1), slack), (WIDTH, HEIGHT))
            views.append(index)
            boxes.append([round(float(v)) for v in (x, y, right - x, bottom - y)])
        entries[str(house.object_of(i))] = {"name": item.kind.replace(" ", "#"), "visible_pos": views, "bbox2d": boxes}
    return entries
