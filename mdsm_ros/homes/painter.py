"""Turns parts into MuJoCo geoms, with meshes and textures shared within a room."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from mdsm_ros.homes import textures
from mdsm_ros.homes.meshes import Mesh
from mdsm_ros.homes.parts import RGB, Part

_SHAPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "mesh": mujoco.mjtGeom.mjGEOM_MESH,
}
_WHITE: RGB = (1.0, 1.0, 1.0)


class Painter:
    """Adds parts to a MuJoCo model that is being built.

    Args:
        spec: the model.
        rng: draws the textures.
    """

    def __init__(self, spec: mujoco.MjSpec, rng: np.random.Generator) -> None:
        self._spec, self._rng = spec, rng
        self._materials: set[str] = set()
        self._textures: set[str] = set()
        self._meshes: dict[tuple[bytes, bytes, float], str] = {}

    def add(
        self, parent: mujoco.MjsBody, position: tuple[float, float, float], yaw: float, parts: Sequence[Part]
    ) -> None:
        """A body with one geom for each part, in the parts' order.

        Args:
            parent: body in whose frame it stands.
            position: of the body's origin, metres.
            yaw: rotation about z, radians.
            parts: in the body's frame.
        """
        body = parent.add_body(pos=list(position), quat=[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
        for part in parts:
            material, repeat = self._material(part)
            geom = body.add_geom(
                type=_SHAPES[part.shape],
                pos=list(part.position),
                quat=[np.cos(part.tilt / 2), np.sin(part.tilt / 2), 0, 0],
                rgba=[*(part.color if part.material in (None, *textures.MATERIALS) else _WHITE), 1.0],
                material=material,
                contype=0,
                conaffinity=0,
            )
            if part.mesh is None:
                geom.size = list(part.size)
            else:
                geom.meshname = self._mesh(part.mesh, repeat)

    def _mesh(self, mesh: Mesh, repeat: float) -> str:
        key = (mesh.vertices.tobytes(), mesh.texcoords.tobytes(), repeat)
        if key not in self._meshes:
            self._meshes[key] = f"mesh {len(self._meshes)}"
            self._spec.add_mesh(
                name=self._meshes[key],
                uservert=mesh.vertices.reshape(-1),
                userface=mesh.faces.reshape(-1),
                usertexcoord=(mesh.texcoords * repeat).reshape(-1),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
        return self._meshes[key]

    def _material(self, part: Part) -> tuple[str, float]:
        """The name of a part's material, made when it is new, and how often its texture repeats in a metre."""
        if part.material is None:
            return "", 1.0
        texture, repeat, uniform = part.material, 1.0, part.mesh is None
        if part.material in textures.PATTERNS:
            texture = f"{part.material} {part.color}"
            repeat = textures.PATTERN_REPEAT
        elif part.material in textures.MATERIALS:
            repeat = textures.MATERIALS[part.material][1]
        else:  # a picture fills its part
            uniform = False
        if texture not in self._textures:
            self._textures.add(texture)
            pixels = self._draw(part)
            made = self._spec.add_texture(name=texture, type=mujoco.mjtTexture.mjTEXTURE_2D, nchannel=3)
            made.height, made.width = pixels.shape[:2]
            made.data = pixels.tobytes()  # the keyword argument wants a list of a hundred thousand numbers
        name = f"{texture} on {'a mesh' if part.mesh is not None else 'a geom'}"
        if name not in self._materials:
            self._materials.add(name)
            roles = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
            roles[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = texture
            times = [repeat, repeat] if uniform else [1.0, 1.0]  # a mesh has the repeats in its texture coordinates
            self._spec.add_material(
                name=name, textures=roles, texrepeat=times, texuniform=uniform, specular=0.1, shininess=0.1
            )
        return name, repeat

    def _draw(self, part: Part) -> textures.Picture:
        material = part.material or ""
        if material in textures.PATTERNS:
            return textures.PATTERNS[material](part.color)
        if material in textures.MATERIALS:
            return textures.MATERIALS[material][0](self._rng)
        if material == "outside":
            return textures.outside(self._rng)
        return textures.art(int(material.removeprefix("art:")))
