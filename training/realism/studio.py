"""One thing alone on a plain ground, as a person with a camera sees it."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from itertools import product
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from mdsm_ros.homes import camera_effects
from mdsm_ros.homes.shapes.painter import Painter
from mdsm_ros.homes.shapes.parts import Part, span

if TYPE_CHECKING:
    import mujoco
else:
    mujoco = late("mujoco")

ABOVE = (10.0, 40.0)  # degrees from which a person looks down on a thing
ASIDE = 80.0  # degrees to either side of its front
FOVY = (35.0, 55.0)  # degrees
FILL = (0.75, 1.0)  # fraction of the picture's width or height that the thing spans


class Studio:
    """Takes square pictures of things; a context manager, since it holds a GL context at a time.

    Args:
        side: Side of the images in pixels.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self._context: mujoco.Renderer | None = None

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None

    def photographs(self, parts: Sequence[Part], views: int, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
        """Pictures (side, side, 3) of a thing, each from elsewhere and with another camera.

        Args:
            parts: Parts of the object; its front is at +y.
            views: Number of pictures.
            rng: Chooses the ground, the lights, the views and the cameras.
        """
        points = np.concatenate([_points(part) for part in parts])
        low, high = points.min(axis=0), points.max(axis=0)
        model = self._scene(parts, low, high, rng).compile()
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        self._close()
        self._context = mujoco.Renderer(model, self.side, self.side)
        pictures = []
        for _ in range(views):
            self._context.update_scene(data, _camera(model, points, rng))
            pictures.append(camera_effects.apply(self._context.render().copy(), rng))
        return pictures

    def _scene(
        self, parts: Sequence[Part], low: NDArray[np.float64], high: NDArray[np.float64], rng: np.random.Generator
    ) -> mujoco.MjSpec:
        spec = mujoco.MjSpec()
        spec.visual.global_.offwidth = spec.visual.global_.offheight = self.side
        spec.visual.quality.offsamples = 8
        spec.visual.quality.shadowsize = 2048
        spec.stat.center, spec.stat.extent = list((low + high) / 2), float(np.linalg.norm(high - low))
        spec.visual.map.znear, spec.visual.map.zfar = 0.02, 50.0  # times the extent, as is what gets shadows
        spec.visual.headlight.ambient = [float(rng.uniform(0.3, 0.45))] * 3
        spec.visual.headlight.diffuse = [float(rng.uniform(0.15, 0.35))] * 3
        spec.visual.headlight.specular = [0.05] * 3
        color = colorsys.hsv_to_rgb(float(rng.random()), float(rng.beta(1, 5)), float(rng.uniform(0.3, 0.95)))
        _add_backdrop(spec, color, float(low[2]) - 1e-3 * spec.stat.extent)
        Painter(spec, rng).add(spec.worldbody, (0.0, 0.0, 0.0), 0.0, parts)
        for _ in range(2):
            angle, slope = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.3, 1.0))
            glow = float(rng.uniform(0.2, 0.4))
            warmth = float(rng.uniform(0.85, 1.0))
            spec.worldbody.add_light(
                type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
                pos=[0, 0, 0],
                dir=[slope * np.cos(angle), slope * np.sin(angle), -1],
                diffuse=[glow, glow * (0.5 + 0.5 * warmth), glow * warmth],
                specular=[0.2] * 3,
                castshadow=True,
            )
        return spec


def _add_backdrop(spec: mujoco.MjSpec, color: tuple[float, float, float], height: float) -> None:
    """A ground without end and a sky of the same colour."""
    spec.visual.rgba.haze = [*color, 1.0]
    sky = spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=list(color),
        rgb2=list(color),
        width=8,
        height=8,
    )
    sky.nchannel = 3
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[0, 0, 1],
        pos=[0, 0, height],
        rgba=[*color, 1.0],
        contype=0,
        conaffinity=0,
    )


def _points(part: Part) -> NDArray[np.float64]:
    """Points (N, 3) that hold a part between them: the vertices of a mesh, or the corners of a box around it."""
    if part.mesh is None:
        return np.array(list(product(*span(part).T)))
    cos, sin = np.cos(part.tilt), np.sin(part.tilt)
    turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return np.asarray(part.mesh.vertices @ turn.T + part.position)


def _camera(model: mujoco.MjModel, points: NDArray[np.float64], rng: np.random.Generator) -> mujoco.MjvCamera:
    """A camera that looks at the middle of a thing from where the thing fills the picture as far as is drawn."""
    fovy, fill = float(rng.uniform(*FOVY)), float(rng.uniform(*FILL))
    aside, above = np.deg2rad(rng.uniform(-ASIDE, ASIDE)), np.deg2rad(rng.uniform(*ABOVE))
    towards = np.array((np.sin(aside) * np.cos(above), np.cos(aside) * np.cos(above), np.sin(above)))
    across = np.cross((0.0, 0.0, 1.0), towards) / np.cos(above)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    offsets = points - middle
    reach = np.abs(np.stack([offsets @ across, offsets @ np.cross(towards, across)])).max(axis=0)
    model.vis.global_.fovy = fovy
    camera = mujoco.MjvCamera()
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = middle
    camera.azimuth = -90.0 - np.rad2deg(aside)  # MuJoCo's is where it looks
    camera.elevation = -np.rad2deg(above)
    camera.distance = float((reach / (np.tan(np.deg2rad(fovy) / 2) * fill) + offsets @ towards).max())
    return camera
