"""Contact sheets of the cache: each model from its front and from behind, for people to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mdsm_ros.library import store, table
from mdsm_ros.library.library import TABLE_FOLDER
from mdsm_ros.library.shapes import Patch, Shape, turned
from mdsm_ros.pictures.sheet import contact_sheet, labelled

os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it when it is imported; egl needs no screen

MODELS_A_SHEET = 40
COLUMNS = 4  # of pairs of views
TILE = 200  # pixels
DISTANCE = 20.0  # metres from one model to the next, out of each other's sight: models are shown 1 m large
FIELD_OF_VIEW = 30.0  # degrees
DIRECTIONS = ((0.55, 1.0, 0.55), (-0.55, -1.0, 0.45))  # to the camera: from the front, and from behind
BACKGROUND = (0.75, 0.80, 0.85)


def draw_sheets(folder: Path, target: Path, tables: Path = TABLE_FOLDER) -> Iterator[Path]:
    """Draws all models of the cache in the order of their ids, with kind and place where the table has them.

    Yields:
        Each sheet's path once it is written.
    """
    records = store.read_index(folder)["models"]
    rows = table.read_models(tables / table.MODELS_FILE) if (tables / table.MODELS_FILE).exists() else {}
    target.mkdir(parents=True, exist_ok=True)
    for i in tqdm(range(0, len(records), MODELS_A_SHEET), unit="sheet", desc="draw", leave=False, disable=None):
        chunk = records[i : i + MODELS_A_SHEET]
        shapes = [_shape(folder, record["id"], rows) for record in chunk]
        views = render(shapes, TILE)
        tiles = [
            labelled(np.hstack(pair), _caption(record, shape, rows))
            for record, shape, pair in zip(chunk, shapes, views, strict=True)
        ]
        path = target / f"sheet-{i // MODELS_A_SHEET + 1:02d}.png"
        contact_sheet(tiles, COLUMNS).save(path)
        yield path


def _shape(folder: Path, model_id: str, rows: dict[str, table.Row]) -> Shape:
    shape = store.read_shape(store.model_path(folder, model_id))
    row = rows.get(model_id)
    return shape if row is None else turned(shape, row.front or 0.0, row.scale)


def _caption(record: dict[str, Any], shape: Shape, rows: dict[str, table.Row]) -> str:
    hx, hy = shape.extent
    size = " x ".join(f"{100 * side:.0f}" for side in (2 * hx, 2 * hy, shape.height))
    row = rows.get(record["id"])
    known = "not in the table" if row is None else row.kind if row.usable else f"NOT USED: {row.reason}"
    return f"{record['id']} | {record['name']} | {size} cm | {known}"


def render(shapes: Sequence[Shape], size: int) -> list[list[NDArray[np.uint8]]]:
    """Pictures (size, size, 3) of each shape, from each of :data:`DIRECTIONS`."""
    import mujoco

    spec = mujoco.MjSpec()
    spec.visual.global_.fovy = FIELD_OF_VIEW
    spec.visual.global_.offwidth = spec.visual.global_.offheight = size
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.35] * 3, [0.45] * 3
    spec.visual.map.znear, spec.visual.map.zfar = 0.05, 10.0
    spec.stat.extent, spec.stat.center = 1.0, [0.0, 0.0, 0.0]
    spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=list(BACKGROUND), rgb2=list(BACKGROUND), width=16, height=96,
    )  # fmt: skip
    spec.worldbody.add_light(type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, dir=[-0.4, -0.6, -1.0], castshadow=False)
    for i, shape in enumerate(shapes):
        _add(spec, i, shape)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    with mujoco.Renderer(model, size, size) as renderer:
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        return [[_view(renderer, data, i, direction) for direction in DIRECTIONS] for i in range(len(shapes))]


def _view(renderer: Any, data: Any, i: int, direction: tuple[float, float, float]) -> NDArray[np.uint8]:
    import mujoco

    camera = mujoco.MjvCamera()
    camera.lookat[:] = (DISTANCE * i, 0.0, 0.0)
    x, y, z = direction
    camera.azimuth = np.degrees(np.arctan2(-y, -x))
    camera.elevation = -np.degrees(np.arctan2(z, np.hypot(x, y)))
    camera.distance = 0.55 / np.tan(np.radians(FIELD_OF_VIEW / 2))
    renderer.update_scene(data, camera)
    return np.array(renderer.render())


def _add(spec: Any, i: int, shape: Shape) -> None:
    """A body with a shape, scaled so that it just fits into a sphere of 1 m about the body's origin."""
    import mujoco

    hx, hy = shape.extent
    scale = 1.0 / max(2 * float(np.linalg.norm((hx, hy, shape.height / 2))), 1e-6)
    body = spec.worldbody.add_body(pos=[DISTANCE * i, 0.0, -scale * shape.height / 2])
    for j, patch in enumerate(shape.patches):
        name = f"{i} {j}"
        _add_mesh(spec, name, patch, scale)
        roles = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
        if patch.texture is not None:
            texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, nchannel=3)
            texture.height, texture.width = patch.texture.shape[:2]
            texture.data = patch.texture.tobytes()
            roles[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = name
        spec.add_material(
            name=name, textures=roles, rgba=list(patch.color), specular=0.5 * patch.specular, shininess=0.4
        )
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, material=name, contype=0, conaffinity=0)


def _add_mesh(spec: Any, name: str, patch: Patch, scale: float) -> None:
    import mujoco

    spec.add_mesh(
        name=name,
        uservert=(patch.vertices * scale).reshape(-1),
        usernormal=patch.normals.reshape(-1),
        userface=patch.faces.reshape(-1),
        usertexcoord=patch.texcoords.reshape(-1),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
