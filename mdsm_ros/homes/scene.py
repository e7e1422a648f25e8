"""Rendering a room with MuJoCo: colour, depth and the pixels of every item.

MuJoCo chooses its GL library when it is imported: set ``MUJOCO_GL=egl`` for a machine without a screen.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.annotations import Camera
from mdsm_ros.homes.home import WALL_HEIGHT, Room, wall_colors
from mdsm_ros.homes.parts import RGB, shade

os.environ.setdefault("MUJOCO_GL", "egl")

import mujoco

_SHAPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
}
TEXTURE_SIDE = 128
_HIDDEN_GROUP = 1  # of MuJoCo's groups of geoms; all are in group 0 else


@dataclass(frozen=True)
class CameraPose:
    """Where a camera stands in a room and where it looks; metres and degrees."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    fovy: float

    def axes(self) -> NDArray[np.float64]:
        """Columns: right, up and backward of the camera in the room's frame (MuJoCo and OpenGL look along -z)."""
        backward = np.subtract(self.position, self.target)
        backward /= np.linalg.norm(backward)
        right = np.cross((0.0, 0.0, 1.0), backward)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(backward, right), backward], axis=1)


@dataclass(frozen=True)
class View:
    """What a camera sees.

    Attributes:
        rgb: uint8 (H, W, 3).
        depth: float32 (H, W), metres along the optical axis.
        items: int16 (H, W), index of the room's item at each pixel, -1 for walls, floor and sky.
        camera: intrinsics in pixels.
        pose: where the camera stands.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    items: NDArray[np.int16]
    camera: Camera
    pose: CameraPose


def _wood(rng: np.random.Generator, planks: int) -> NDArray[np.uint8]:
    x = np.arange(TEXTURE_SIDE)
    grain = np.sin(x[None, :] * 0.35 + 2.5 * np.sin(x[:, None] * 0.045 + rng.uniform(0, 6))) * 0.05
    tone = rng.uniform(0.86, 1.0, planks)[x * planks // TEXTURE_SIDE][None, :]
    seams = np.where((x * planks) % TEXTURE_SIDE < planks * 1.5, 0.75, 1.0)[None, :]
    return _gray((tone + grain) * (seams if planks > 1 else 1.0) + rng.normal(0, 0.012, (TEXTURE_SIDE, TEXTURE_SIDE)))


def _tiles(rng: np.random.Generator) -> NDArray[np.uint8]:
    x = np.arange(TEXTURE_SIDE) % (TEXTURE_SIDE // 2)
    line = (x < 2)[None, :] | (x < 2)[:, None]
    return _gray(np.where(line, 0.72, 0.97) + rng.normal(0, 0.01, (TEXTURE_SIDE, TEXTURE_SIDE)))


def _cloth(rng: np.random.Generator, spread: float) -> NDArray[np.uint8]:
    x = np.arange(TEXTURE_SIDE)
    weave = 0.04 * ((x[None, :] + x[:, None]) % 4 < 2)
    return _gray(0.92 + weave + rng.normal(0, spread, (TEXTURE_SIDE, TEXTURE_SIDE)))


def _gray(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.repeat((np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


_Slab = tuple[
    tuple[float, ...], tuple[float, float, float], RGB, "str | None"
]  # half-extents, centre, colour, material


def _panel(
    axis: int,
    across: float,
    half: float,
    middle: float,
    z: float,
    hz: float,
    out: float,
    color: RGB,
    material: str | None,
) -> _Slab:
    """A slab in the wall at ``across``, which runs along x (axis 0) or y (1); it stands out by ``out`` metres."""
    offset = across + np.sign(across) * (0.05 - out)
    if axis == 0:
        return (half, 0.05, hz), (middle, offset, z), color, material
    return (0.05, half, hz), (offset, middle, z), color, material


class RoomRenderer:
    """Compiles a room and renders views of it; a context manager, since it holds a GL context.

    Args:
        room: what to render; its seed also chooses wall colours, textures and lights.
        width, height: of the pictures, pixels.
    """

    def __init__(self, room: Room, width: int = 320, height: int = 240) -> None:
        self.room = room
        self.width, self.height = width, height
        self._rng = np.random.default_rng((room.seed, 1))
        spec, owners = self._build()
        self._model = spec.compile()
        self._owner = np.append(np.asarray(owners, dtype=np.int16), np.int16(-1))  # last: background
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self._renderer = mujoco.Renderer(self._model, height, width)

    def __enter__(self) -> RoomRenderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._renderer.close()

    def _build(self) -> tuple[mujoco.MjSpec, list[int]]:
        rng = self._rng
        spec = mujoco.MjSpec()
        spec.visual.global_.offwidth, spec.visual.global_.offheight = self.width, self.height
        spec.visual.quality.offsamples = 2
        spec.visual.quality.shadowsize = 512
        spec.visual.map.znear, spec.visual.map.zfar = 0.01, 15.0
        ambient = float(rng.uniform(0.42, 0.56))
        spec.visual.headlight.ambient = [ambient] * 3
        spec.visual.headlight.diffuse = [float(rng.uniform(0.22, 0.38))] * 3
        spec.visual.headlight.specular = [0.05] * 3
        self._add_material(spec, "wood", _wood(rng, 1), (1, 1))
        self._add_material(spec, "cloth", _cloth(rng, 0.03), (4, 4))
        self._add_material(spec, "stone", _cloth(rng, 0.09), (2, 2))
        floor_texture = (_wood(rng, 8), _tiles(rng), _cloth(rng, 0.05))[int(rng.integers(3))]
        self._add_material(spec, "floor", floor_texture, (2, 2))
        self._add_material(spec, "wall", _cloth(rng, 0.006), (1, 1))
        owners: list[int] = []
        self._add_shell(spec, owners)
        for index, item in enumerate(self.room.items):
            body = spec.worldbody.add_body(
                pos=list(item.position), quat=[np.cos(item.yaw / 2), 0, 0, np.sin(item.yaw / 2)]
            )
            for part in item.parts:
                self._add_geom(body, part.shape, part.size, part.position, part.color, part.tilt, part.material)
                owners.append(index)
        body = spec.worldbody
        for index in range(2):
            x, y = (float(rng.uniform(-0.3, 0.3) * side) for side in self.room.size)
            glow = float(rng.uniform(0.25, 0.42))
            warmth = float(rng.uniform(0.85, 1.0))
            body.add_light(
                pos=[x, y, WALL_HEIGHT - 0.1],
                dir=[float(rng.uniform(-0.2, 0.2)), float(rng.uniform(-0.2, 0.2)), -1],
                diffuse=[glow, glow * (0.5 + 0.5 * warmth), glow * warmth],
                specular=[0.1] * 3,
                castshadow=index == 0,  # each shadow costs another pass over the room
                cutoff=85.0,
            )
        spec.worldbody.add_camera(name="eye")
        return spec, owners

    @staticmethod
    def _add_material(spec: mujoco.MjSpec, name: str, pixels: NDArray[np.uint8], repeat: tuple[int, int]) -> None:
        spec.add_texture(
            name=name,
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            width=pixels.shape[1],
            height=pixels.shape[0],
            nchannel=3,
            data=pixels.reshape(-1).tolist(),
        )
        textures = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
        textures[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = name
        spec.add_material(
            name=name, textures=textures, texrepeat=list(repeat), texuniform=True, specular=0.1, shininess=0.1
        )

    @staticmethod
    def _add_geom(
        body: mujoco.MjsBody,
        shape: str,
        size: tuple[float, ...],
        position: tuple[float, float, float],
        color: RGB,
        tilt: float = 0.0,
        material: str | None = None,
    ) -> None:
        body.add_geom(
            type=_SHAPES[shape],
            size=list(size),
            pos=list(position),
            quat=[np.cos(tilt / 2), np.sin(tilt / 2), 0, 0],
            rgba=[*color, 1.0],
            material=material or "",
            contype=0,
            conaffinity=0,
        )

    def _add_shell(self, spec: mujoco.MjSpec, owners: list[int]) -> None:
        """Floor, ceiling, walls with a skirting board, and a window or door on some of them."""
        rng, body = self._rng, spec.worldbody
        wall, floor = wall_colors(rng)
        hx, hy = self.room.size[0] / 2, self.room.size[1] / 2
        shell: list[_Slab] = [
            ((hx, hy, 0.05), (0.0, 0.0, -0.05), floor, "floor"),
            ((hx, hy, 0.05), (0.0, 0.0, WALL_HEIGHT + 0.05), (0.95, 0.95, 0.94), None),
        ]
        walls = (((hx, -hy), 0), ((hx, hy), 1), ((hx, hy), 0), ((-hx, hy), 1))
        for (x, y), axis in walls:
            along, across = (hx, y) if axis == 0 else (hy, x)
            panel = partial(_panel, axis, across)
            shell.append(panel(along, 0.0, WALL_HEIGHT / 2, WALL_HEIGHT / 2, 0.0, wall, "wall"))
            shell.append(panel(along, 0.0, 0.05, 0.05, 0.008, shade(wall, 0.8), None))
            opening = rng.random()
            middle = float(rng.uniform(-0.5, 0.5) * along)
            if opening < 0.35:
                shell.append(panel(0.45, middle, 1.0, 1.0, 0.006, (0.55, 0.40, 0.28), "wood"))
                shell.append(panel(0.03, middle + 0.36, 1.0, 0.03, 0.03, (0.75, 0.72, 0.6), None))
            elif opening < 0.65:
                shell.append(panel(0.55, middle, 1.65, 0.45, 0.006, (0.93, 0.93, 0.92), None))
                shell.append(panel(0.50, middle, 1.65, 0.40, 0.008, (0.66, 0.82, 0.95), None))
                shell.append(panel(0.015, middle, 1.65, 0.42, 0.010, (0.93, 0.93, 0.92), None))
        for size, at, color, material in shell:
            self._add_geom(body, "box", size, at, color, material=material)
            owners.append(-1)

    def _aim(self, pose: CameraPose, option: mujoco.MjvOption | None = None) -> None:
        index = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, "eye")
        self._data.cam_xpos[index] = pose.position
        self._data.cam_xmat[index] = pose.axes().reshape(9)
        self._model.cam_fovy[index] = pose.fovy
        self._renderer.update_scene(self._data, "eye", option)

    def items(self, pose: CameraPose) -> NDArray[np.int16]:
        """Index of the room's item at each pixel (H, W), -1 for walls and floor; a tenth of the cost of a full view."""
        self._aim(pose)
        self._renderer.enable_segmentation_rendering()
        geoms = self._renderer.render()[..., 0].copy()
        self._renderer.disable_segmentation_rendering()
        return self._owner[geoms]

    def alone(self, pose: CameraPose, index: int) -> NDArray[np.bool_]:
        """The whole silhouette (H, W) of one of the room's items, as if nothing else stood in the room."""
        groups = self._model.geom_group
        groups[:] = _HIDDEN_GROUP
        groups[self._owner[:-1] == index] = 0
        only = mujoco.MjvOption()
        only.geomgroup[_HIDDEN_GROUP] = 0
        self._aim(pose, only)
        self._renderer.enable_segmentation_rendering()
        silhouette = self._renderer.render()[..., 0] >= 0
        self._renderer.disable_segmentation_rendering()
        groups[:] = 0
        return silhouette

    def render(self, pose: CameraPose, *, depth: bool = True) -> View:
        """Renders one view."""
        items = self.items(pose)
        self._aim(pose)
        rgb = self._renderer.render().copy()
        metres = None
        if depth:
            self._renderer.enable_depth_rendering()
            metres = self._renderer.render().copy()
            self._renderer.disable_depth_rendering()
        focal = self.height / 2 / np.tan(np.deg2rad(pose.fovy) / 2)
        intrinsics = Camera(fx=float(focal), fy=float(focal), cx=self.width / 2, cy=self.height / 2)
        return View(rgb, metres, items, intrinsics, pose)
