"""Renders a room with MuJoCo: colour, depth and the pixels of every item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from mdsm_ros.geometry import Camera
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.looks.lights import ceiling_lights, even_ambient, lighting
from mdsm_ros.homes.shapes.painter import Painter
from mdsm_ros.homes.views.shell import shell

if TYPE_CHECKING:
    import mujoco
else:
    mujoco = late("mujoco")

_HIDDEN_GROUP = 1  # MuJoCo group of hidden geoms; all others are in group 0
SHADOW_REACH = 0.5  # metres: items this far beyond the image's edge may cast a shadow into it


@dataclass(frozen=True)
class CameraPose:
    """Position and viewing direction of a camera in a room; metres and degrees."""

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
    """A rendered view.

    Attributes:
        rgb: Image, uint8 (H, W, 3).
        depth: Metres along the optical axis, float32 (H, W).
        items: Index of the room's item at each pixel, int16 (H, W); -1 for walls, floor and sky.
        camera: Intrinsics in pixels.
        pose: Pose of the camera.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    items: NDArray[np.int16]
    camera: Camera
    pose: CameraPose


class RoomRenderer:
    """Compiles a room and renders views of it; a context manager, because it owns a GL context.

    Args:
        room: Room to render; its seed also determines wall colours, textures and lights.
        width, height: Size of the images in pixels.
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
        if look is None:  # drawn after the textures, so that rooms without a library are unchanged
            light = replace(light, lights=ceiling_lights(self.room, rng))
        light.add_lights(spec)
        spec.worldbody.add_camera(name="eye")
        return spec, owners

    def _aim(self, pose: CameraPose, shown: NDArray[np.bool_]) -> None:
        """Points the camera; only the geoms that are ``shown`` are rendered."""
        index = mujoco.mj_name2id(self._model, mujoco.mjtObj.mjOBJ_CAMERA, "eye")
        self._data.cam_xpos[index] = pose.position
        self._data.cam_xmat[index] = pose.axes().reshape(9)
        self._model.cam_fovy[index] = pose.fovy
        self._model.geom_group[:] = np.where(shown, 0, _HIDDEN_GROUP)
        option = mujoco.MjvOption()
        option.geomgroup[_HIDDEN_GROUP] = 0
        self._renderer.update_scene(self._data, "eye", option)

    def _near_view(self, pose: CameraPose, margin: float) -> NDArray[np.bool_]:
        """Returns which geoms may be in the image or within ``margin`` metres of its edge.

        All geoms count in rooms without a look, and walls always.
        """
        if self.room.look is None:
            return np.ones(self._model.ngeom, bool)
        x, y, z = ((self._data.geom_xpos - pose.position) @ pose.axes()).T
        reach = self._model.geom_rbound + margin
        up = np.tan(np.deg2rad(pose.fovy) / 2)
        inside = -z > -reach
        for across, slope in ((x, up * self.width / self.height), (y, up)):
            inside &= np.abs(across) - slope * -z <= reach * np.hypot(1.0, slope)
        near: NDArray[np.bool_] = inside | (self._owner[:-1] < 0)
        return near

    def _segment(self, pose: CameraPose, shown: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Returns the index of the geom at each pixel (H, W), -1 if there is none."""
        self._aim(pose, shown)
        self._renderer.enable_segmentation_rendering()
        geoms: NDArray[np.int32] = self._renderer.render()[..., 0].copy()
        self._renderer.disable_segmentation_rendering()
        return geoms

    def items(self, pose: CameraPose) -> NDArray[np.int16]:
        """Renders the item index at each pixel (H, W), -1 for walls and floor; costs a tenth of a full view."""
        return self._owner[self._segment(pose, self._near_view(pose, 0.0))]

    def alone(self, pose: CameraPose, index: int) -> NDArray[np.bool_]:
        """Renders the silhouette (H, W) of one item, as if the room were otherwise empty."""
        return self._segment(pose, self._owner[:-1] == index) >= 0

    def render(self, pose: CameraPose, *, depth: bool = True, items: NDArray[np.int16] | None = None) -> View:
        """Renders one view.

        Args:
            pose: Pose of the camera.
            depth: Whether the view has depth.
            items: Items at this pose, if they were computed before.
        """
        items = self.items(pose) if items is None else items
        self._aim(pose, self._near_view(pose, SHADOW_REACH))
        rgb = self._renderer.render().copy()
        metres = self._depth() if depth else None
        return View(rgb, metres, items, self.intrinsics(pose), pose)

    def intrinsics(self, pose: CameraPose) -> Camera:
        """Returns the camera of a pose, in pixels."""
        focal = float(self.height / 2 / np.tan(np.deg2rad(pose.fovy) / 2))
        return Camera(fx=focal, fy=focal, cx=self.width / 2, cy=self.height / 2)

    def depth(self, pose: CameraPose) -> NDArray[np.float32]:
        """Renders depth (H, W), metres along the optical axis, without the cost of a colour image."""
        self._aim(pose, self._near_view(pose, 0.0))
        return self._depth()

    def _depth(self) -> NDArray[np.float32]:
        """Renders depth of the current scene, without shadows, which are the main cost of an image."""
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._renderer.enable_depth_rendering()
        metres: NDArray[np.float32] = self._renderer.render().copy()
        self._renderer.disable_depth_rendering()
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 1
        return metres
