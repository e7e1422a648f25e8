"""Reads OBJ and MTL files into the frame of the library."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mdsm_ros.errors import DatasetError
from mdsm_ros.library.shapes import RGBA, bounds
from training.library.catalogue import Item
from training.library.mesh.polygons import triangulated
from training.library.sources import Files

TEXTURE_SIZE = 512  # pixels, the longer side
PICTURES = (".png", ".jpg", ".jpeg")
INVISIBLE = 0.02  # opacity of helpers that authors hid in their models
GLASS: RGBA = (0.8, 0.85, 0.9, 0.3)
DEFAULT: RGBA = (0.8, 0.8, 0.8, 1.0)
KNOWN_MATERIALS = {  # words in the names of materials that no MTL file explains
    "glass": GLASS,
    "cristal": GLASS,
    "white": (0.9, 0.9, 0.9, 1.0),
    "blanco": (0.9, 0.9, 0.9, 1.0),
    "wood": (0.55, 0.37, 0.22, 1.0),
    "metal": (0.6, 0.6, 0.62, 1.0),
    "handle": (0.6, 0.6, 0.62, 1.0),
    "klavierlack": (0.05, 0.05, 0.05, 1.0),
}
Y_UP = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # x left, y up, z to the front -> ours
Z_UP = np.array([[-1.0, 0, 0], [0, -1, 0], [0, 0, 1]])  # x left, y to the back, z up -> ours


@dataclass(frozen=True, eq=False)
class Part:
    """Triangles of one material while they are worked on.

    Attributes:
        vertices: Vertices in metres, float64 (V, 3).
        faces: Triangles, int64 (F, 3).
        texcoords: Texture coordinates from the top left corner, float64 (V, 2), or None.
        color: Red, green, blue, opacity.
        texture: Texture, uint8 (H, W, 3), or None.
        specular: Brightness of highlights.
        cutout: Opacity (H, W) of the texture from 0 to 1, or None where it is opaque.
        two_sided: Whether each triangle stands for its back as well.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    texcoords: NDArray[np.float64] | None
    color: RGBA
    texture: NDArray[np.uint8] | None
    specular: float
    cutout: NDArray[np.float32] | None = None
    two_sided: bool = False


class _Resolver(trimesh.resolvers.Resolver):
    """Finds what an OBJ file names beside it: by the last part of the path, in upper or lower case."""

    def __init__(self, sources: Sequence[Files], model: str) -> None:
        self._files = {name: (files, path) for files in sources for name, path in files.folder(model).items()}

    def get(self, key: str) -> bytes:
        """The bytes of a file.

        Raises:
            FileNotFoundError: There is none; trimesh goes on without.
        """
        name = PurePosixPath(key.strip().strip('"').replace("\\", "/")).name.lower()
        if name not in self._files and name.endswith(".mtl"):  # some OBJ files name another MTL file than theirs
            name = next((other for other in self._files if other.endswith(".mtl")), name)
        pictures = [other for other in self._files if other.endswith(PICTURES)]
        if name not in self._files and name.endswith(PICTURES) and len(pictures) == 1:  # renamed, what else could it be
            name = pictures[0]
        if name not in self._files:
            raise FileNotFoundError(key)
        files, path = self._files[name]
        return files.read(path)

    def write(self, name: str, data: bytes) -> None:
        """Not for sources."""
        raise NotImplementedError

    def namespaced(self, namespace: str) -> Any:
        """Not needed by OBJ files."""
        raise NotImplementedError

    def keys(self) -> list[str]:
        """Names of the files."""
        return list(self._files)


def read_parts(item: Item) -> list[Part]:
    """A model's parts in its final size and place, one for each material, sorted.

    Raises:
        DatasetError: The file is damaged or empty.
    """
    source = next((files for files in item.files if item.model in files.names), None)
    if source is None:
        raise DatasetError(f"{item.model} is missing")
    resolver = _Resolver(item.files, item.model)
    try:
        scene = trimesh.load_scene(
            io.BytesIO(triangulated(source.read(item.model).decode("latin-1")).encode("latin-1")),
            file_type="obj",
            resolver=resolver,
            group_material=True,
            split_object=False,
            process=False,
        )
        parts = [_part(mesh, name) for name, mesh in sorted(scene.geometry.items()) if len(getattr(mesh, "faces", ()))]
    except DatasetError:
        raise
    except Exception as error:  # whatever a parser trips over
        raise DatasetError(f"{item.model} cannot be read: {type(error).__name__}: {error}") from error
    parts = [part for part in parts if part.color[3] > INVISIBLE]
    if not parts:
        raise DatasetError(f"{item.model} has no visible triangles")
    if not all(np.isfinite(part.vertices).all() for part in parts):
        raise DatasetError(f"{item.model} has coordinates that are no numbers")
    return _placed(parts, item)


def _part(mesh: trimesh.Trimesh, name: str) -> Part:
    material = getattr(mesh.visual, "material", None)
    uv = getattr(mesh.visual, "uv", None)
    entries: dict[str, Any] = dict(getattr(material, "kwargs", None) or {})
    texture, cutout = _texture(getattr(material, "image", None)) if uv is not None else (None, None)
    known = "kd" in entries or texture is not None
    color = _color(entries, texture is not None) if known else _guess(name)
    texcoords = None
    if uv is not None and texture is not None:
        texcoords = np.nan_to_num(np.asarray(uv, dtype=np.float64)) * (1, -1) + (0, 1)
    specular = float(np.clip(np.mean(entries.get("ks", 0.0)), 0.0, 1.0))
    return Part(
        vertices=np.asarray(mesh.vertices, dtype=np.float64),
        faces=np.asarray(mesh.faces, dtype=np.int64),
        texcoords=texcoords,
        color=color,
        texture=texture,
        specular=round(specular, 3),
        cutout=cutout,
    )


def _texture(image: Image.Image | None) -> tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None]:
    if image is None:
        return None, None
    try:
        rgba = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, SyntaxError, ValueError):  # a damaged picture: the material's colour stands in for it
        return None, None
    rgba.thumbnail((TEXTURE_SIZE, TEXTURE_SIZE), Image.Resampling.LANCZOS)
    pixels = np.asarray(rgba)
    opacity: NDArray[np.float32] = np.asarray(pixels[..., 3] / 255, dtype=np.float32)
    if opacity.min() > 0.5:
        return pixels[..., :3].copy(), None
    opaque = opacity > 0.5
    filled = pixels[..., :3].copy()
    filled[~opaque] = pixels[opaque][:, :3].mean(axis=0) if opaque.any() else 255
    return filled, opacity


def _color(entries: dict[str, Any], textured: bool) -> RGBA:
    kd = _triple(entries.get("kd"), DEFAULT[:3])
    if textured:  # the catalogues' own viewer shows the picture as it is, whatever the colour
        kd = np.ones(3)
    elif kd.max() < 0.02:  # what glows or mirrors, and has no colour of its own
        black = (0.0, 0.0, 0.0)
        kd = np.maximum(kd, np.maximum(_triple(entries.get("ke"), black), 0.3 * _triple(entries.get("ks"), black)))
    r, g, b = (round(float(c), 4) for c in np.clip(kd, 0.0, 1.0))
    return r, g, b, _opacity(entries)


def _opacity(entries: dict[str, Any]) -> float:
    """``d``, or what ``Tr`` (transparency) leaves."""
    try:
        if entries.get("d"):
            return float(np.clip(float(entries["d"][-1]), 0.0, 1.0))
        if entries.get("tr"):
            return 1.0 - float(np.clip(float(entries["tr"][-1]), 0.0, 1.0))
    except ValueError:
        pass
    return 1.0


def _triple(value: Any, default: Sequence[float]) -> NDArray[np.float64]:
    try:
        numbers = np.broadcast_to(np.asarray(default if value is None else value, dtype=np.float64), (3,))
    except ValueError:
        numbers = np.asarray(default, dtype=np.float64)
    return np.nan_to_num(numbers)


def _guess(name: str) -> RGBA:
    return next((color for word, color in KNOWN_MATERIALS.items() if word in name.lower()), DEFAULT)


def _placed(parts: list[Part], item: Item) -> list[Part]:
    """The parts turned, scaled to the catalogue's size, with the base at z = 0 and the footprint about the origin."""
    turn = (Y_UP if item.y_up else Z_UP) @ np.array(item.rotation, dtype=np.float64).reshape(3, 3)
    used = [np.unique(part.faces) for part in parts]
    points = np.concatenate([part.vertices[index] for part, index in zip(parts, used, strict=True)]) @ turn.T
    low, high = bounds(points)
    extent = high - low
    if item.size is None:
        factor = np.full(3, item.scale)
    else:
        factor = np.divide(item.size, extent, out=np.ones(3), where=extent > 1e-9)
    origin = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    return [replace(part, vertices=(part.vertices @ turn.T - origin) * factor) for part in parts]
