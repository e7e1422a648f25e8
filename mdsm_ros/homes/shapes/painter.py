"""Converts parts to MuJoCo geoms, with meshes and textures shared within a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late
from mdsm_ros.homes.shapes import textures
from mdsm_ros.homes.shapes.meshes import Mesh
from mdsm_ros.homes.shapes.parts import RGB, Part, Photo

if TYPE_CHECKING:
    import mujoco
else:
    mujoco = late("mujoco")

_SHAPES = {
    "box": "mjGEOM_BOX",
    "cylinder": "mjGEOM_CYLINDER",
    "sphere": "mjGEOM_SPHERE",
    "ellipsoid": "mjGEOM_ELLIPSOID",
    "capsule": "mjGEOM_CAPSULE",
    "mesh": "mjGEOM_MESH",
}
_WHITE: RGB = (1.0, 1.0, 1.0)
_UNSET = 0.5  # MuJoCo treats a geom of exactly this gray as uncoloured


class Painter:
    """Adds parts to a MuJoCo model that is being built.

    Args:
        spec: The model.
        rng: Random generator of the textures.
        photos: Images that replace drawn materials, by the material's name.
    """

    def __init__(
        self, spec: mujoco.MjSpec, rng: np.random.Generator, photos: Mapping[str, Photo] | None = None
    ) -> None:
        self._spec, self._rng = spec, rng
        self._photos = photos or {}
        self._materials: set[str] = set()
        self._textures: dict[str | Photo, str] = {}
        self._meshes: dict[tuple[int, float], str] = {}
        self._by_content: dict[tuple[bytes, bytes, float], str] = {}
        self._kept: list[Mesh] = []  # an id is valid only while its object exists

    def add(
        self, parent: mujoco.MjsBody, position: tuple[float, float, float], yaw: float, parts: Sequence[Part]
    ) -> None:
        """Adds a body with one geom for each part, in the parts' order.

        Args:
            parent: Parent body, which defines the frame.
            position: Position of the body's origin in metres.
            yaw: Rotation about z, radians.
            parts: Parts in the body's frame.
        """
        body = parent.add_body(pos=list(position), quat=[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)])
        for part in parts:
            material, repeat = self._material(part)
            geom = body.add_geom(
                type=getattr(mujoco.mjtGeom, _SHAPES[part.shape]),
                pos=list(part.position),
                quat=[np.cos(part.tilt / 2), np.sin(part.tilt / 2), 0, 0],
                rgba=[*_tint(part), part.alpha],
                material=material,
                contype=0,
                conaffinity=0,
            )
            if part.mesh is None:
                geom.size = list(part.size)
            else:
                geom.meshname = self._mesh(part.mesh, repeat)

    def _mesh(self, mesh: Mesh, repeat: float) -> str:
        key = (id(mesh), repeat)
        if key not in self._meshes:
            self._kept.append(mesh)
            content = (mesh.vertices.tobytes(), mesh.texcoords.tobytes(), repeat)
            if content not in self._by_content:
                self._by_content[content] = f"mesh {len(self._by_content)}"
                self._add_mesh(self._by_content[content], mesh, repeat)
            self._meshes[key] = self._by_content[content]
        return self._meshes[key]

    def _add_mesh(self, name: str, mesh: Mesh, repeat: float) -> None:
        normals = {} if mesh.normals is None else {"usernormal": mesh.normals.reshape(-1)}
        self._spec.add_mesh(
            name=name,
            uservert=mesh.vertices.reshape(-1),
            userface=mesh.faces.reshape(-1),
            usertexcoord=(mesh.texcoords * repeat).reshape(-1),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            **normals,
        )

    def _material(self, part: Part) -> tuple[str, float]:
        """Returns the name of a part's material, created if new, and its texture's repetitions per metre."""
        photo = part.photo or (self._photos.get(part.material) if part.material is not None else None)
        if photo is not None:
            texture = self._texture(photo, photo.pixels)
            return self._add_material(texture, part, photo.repeat), photo.repeat or 1.0
        if part.material is None:
            return (self._add_material("", part, 0.0) if part.glow else ""), 1.0
        if part.material in textures.PATTERNS:
            texture = self._drawn(f"{part.material} {part.color}", part)
            repeat = textures.PATTERN_REPEAT
        else:
            texture = self._drawn(part.material, part)
            repeat = textures.MATERIALS[part.material][1] if part.material in textures.MATERIALS else 0.0
        return self._add_material(texture, part, repeat), repeat or 1.0

    def _add_material(self, texture: str, part: Part, repeat: float) -> str:
        """Adds a material with a texture; without a repeat, the image fills its part."""
        on_mesh = part.mesh is not None
        name = f"{texture} on {'a mesh' if on_mesh else 'a geom'}"
        if part.glow:
            name += f", glowing {part.glow}"
        if name not in self._materials:
            self._materials.add(name)
            roles = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
            roles[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = texture
            uniform = bool(repeat) and not on_mesh  # a mesh's texture coordinates contain the repeats
            times = [repeat, repeat] if uniform else [1.0, 1.0]
            self._spec.add_material(
                name=name,
                textures=roles,
                texrepeat=times,
                texuniform=uniform,
                specular=0.1,
                shininess=0.1,
                emission=part.glow,
            )
        return name

    def _drawn(self, name: str, part: Part) -> str:
        return self._textures[name] if name in self._textures else self._texture(name, self._draw(part))

    def _texture(self, key: str | Photo, pixels: NDArray[np.uint8]) -> str:
        """Returns the name of a texture, added if new."""
        if key not in self._textures:
            self._textures[key] = key if isinstance(key, str) else f"photo {len(self._textures)}"
            made = self._spec.add_texture(name=self._textures[key], type=mujoco.mjtTexture.mjTEXTURE_2D, nchannel=3)
            made.height, made.width = pixels.shape[:2]
            made.data = pixels.tobytes()  # the keyword argument needs a list of a hundred thousand numbers
        return self._textures[key]

    def _draw(self, part: Part) -> textures.Picture:
        material = part.material or ""
        if material in textures.PATTERNS:
            return textures.PATTERNS[material](part.color)
        if material in textures.MATERIALS:
            return textures.MATERIALS[material][0](self._rng)
        if material == "outside":
            return textures.outside(self._rng)
        return textures.art(int(material.removeprefix("art:")))


def _tint(part: Part) -> RGB:
    """Returns the colour of a geom: its part's own, or white if the texture contains the colours."""
    if part.photo is None and part.material not in (None, *textures.MATERIALS):
        return _WHITE
    return (_UNSET + 0.002, _UNSET, _UNSET) if part.color == (_UNSET, _UNSET, _UNSET) else part.color
