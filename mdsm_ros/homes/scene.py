"""Rendering a room with MuJoCo: colour, depth and the pixels of every item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import TracebackType

import mujoco
import numpy as np
from numpy.typing import NDArray

from mdsm_ros.annotations import Camera
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.looks.lights import ceiling_lights, even_ambient, lighting
from mdsm_ros.homes.painter import Painter
from mdsm_ros.homes.shell import shell

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
        spec.visual.quality.shadowsize = 1024
        spec.visual.map.znear, spec.visual.map.zfar = 0.01, 15.0
        look = self.room.look
        light = even_ambient(rng) if look is None else lighting(self.room, rng)
        light.add_camera_light(spec)
        painter = Painter(spec, rng, None if look is None else look.materials)
        owners: list[int] = []
        for body_at, yaw, parts in shell(self.room):
            painter.add(spec.worldbody, body_at, yaw, parts)
            owners += [-1] * len(parts)
        for index, item in enumerate(self.room.items):
            painter.add(spec.worldbody, item.position, item.yaw, item.parts)
            owners += [index] * len(item.parts)
        if look is None:  # drawn after the textures, so that rooms without a library stay what they were
            light = replace(light, lights=ceiling_lights(self.room, rng))
        light.add_lights(spec)
        spec.worldbody.add_camera(name="eye")
        return spec, owners

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
