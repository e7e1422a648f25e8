"""The models, wall pictures and textures available for homes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.errors import DatasetError
from mdsm_ros.homes.furnishing.shapes import ReadyShape, ready, shrunk
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.shapes.parts import Photo
from mdsm_ros.library import Library, LibraryMissing, Model
from mdsm_ros.library.library import TABLE_FOLDER
from mdsm_ros.library.store import default_folder
from mdsm_ros.library.table import MODELS_FILE, read_models

MODELS = ("seen", "held-out", "all")
TEXTURE_SIDE = 128  # pixels; more is invisible in views of 320x240 and costs time
SURFACE_SIDE = 256  # pixels, of floors and walls
PICTURE_SIDE = 128
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
FURNITURE_WIDTH = 0.45  # metres: least width of furniture on the floor, which gets its own place
FREE_GROUPS = frozenset({"person", "pet"})  # may stand anywhere
ANY_ROOM = "any"
SHOWS = "shows "


class StockChanged(Exception):  # noqa: N818 - named after the event
    """The library changed during the work; this affects all homes, so the work cannot continue."""


@dataclass(frozen=True)
class StockOptions:
    """The choice of the library for homes; determines their content, and is small enough to be sent to workers.

    Attributes:
        folder: Folder of the library's cache.
        version: Version of the library.
        models: One of :data:`MODELS`. "held-out": categories use their held-out models if they have any.
        pictures: Folder of photographs to hang; None for the library's own.
        pictures_digest: Digest of these photographs.
    """

    folder: Path
    version: str
    models: str = "seen"
    pictures: Path | None = None
    pictures_digest: str = ""

    @property
    def recipe(self) -> dict[str, str]:
        """Returns the values that determine the content of homes, without names of folders."""
        recipe = {"library": self.version, "models": self.models}
        return recipe | ({"pictures": self.pictures_digest} if self.pictures else {})


def choose_stock(folder: Path | None = None, models: str = "seen", pictures: Path | None = None) -> StockOptions:
    """Returns the options for a library.

    Args:
        folder: Folder of its cache; None for the default one.
        models: One of :data:`MODELS`.
        pictures: Folder of photographs to hang on the walls.

    Raises:
        LibraryMissing: There is no library.
        DatasetError: The folder contains no photographs.
    """
    folder = folder or default_folder()
    library = Library.open(folder)
    digest = hashlib.sha256()
    for path in picture_files(pictures) if pictures else ():
        digest.update(path.name.encode() + path.read_bytes())
    return StockOptions(
        folder=folder,
        version=library.version,
        models=models,
        pictures=pictures,
        pictures_digest=digest.hexdigest()[:16] if pictures else "",
    )


def picture_files(folder: Path) -> list[Path]:
    """Returns the photographs of a folder.

    Raises:
        DatasetError: It contains none.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURE_ENDINGS)
    if not files:
        raise DatasetError(f"--pictures is {folder}, expected a folder with {', '.join(PICTURE_ENDINGS)} files")
    return files


@lru_cache(maxsize=2)
def open_stock(options: StockOptions) -> Stock:
    """Opens the stock of the options, once in each process.

    Raises:
        StockChanged: The library is gone, or has another version than the options.
        DatasetError: The folder contains no photographs.
    """
    try:
        library = Library.open(options.folder)
    except LibraryMissing as error:
        raise StockChanged(str(error)) from error
    if library.version != options.version:
        raise StockChanged(f"{options.folder} has version {library.version}, expected {options.version}; run again")
    return Stock(library, options.models, picture_files(options.pictures) if options.pictures else ())


class Stock:
    """Models by category, with shapes and wall pictures loaded once.

    Args:
        library: Library of origin.
        models: One of :data:`MODELS`.
        pictures: Photographs to hang in place of the library's.
    """

    def __init__(self, library: Library, models: str, pictures: Sequence[Path] = ()) -> None:
        self._library, self._picture_files = library, pictures
        self.models = chosen(library.models, models)
        self._rows = read_models(TABLE_FOLDER / MODELS_FILE)
        self._shapes: dict[str, ReadyShape] = {}
        self._photos: dict[tuple[str, float], Photo] = {}
        self._pictures: list[Photo] | None = None

    def of_kind(self, kind: str, room: str) -> list[Model]:
        """Returns the models of a category that fit a type of room."""
        return [model for model in self.models.get(kind, ()) if not model.rooms or {room, ANY_ROOM} & model.rooms]

    def shape(self, model: Model) -> ReadyShape:
        """Returns the shape of a model.

        Raises:
            DatasetError: Its file is damaged.
        """
        if model.id not in self._shapes:
            self._shapes[model.id] = ready(self._library.load(model.id), TEXTURE_SIDE)
        return self._shapes[model.id]

    def shows(self, model: Model) -> frozenset[str]:
        """Returns the categories that are part of a model, from the table's notes: "shows fork|knife"."""
        row = self._rows.get(model.id)
        if row is None or not row.note.startswith(SHOWS):
            return frozenset()
        return frozenset(kind.strip() for kind in row.note.removeprefix(SHOWS).split("|"))

    def textures(self, group: str) -> tuple[str, ...]:
        """Returns the names of the library's textures in a group."""
        return self._library.textures(group)

    def photo(self, name: str, repeat: float, *, gray: bool = False) -> Photo:
        """Returns a texture of the library as an image on a surface.

        Args:
            name: Name of the texture.
            repeat: Number of repetitions per metre.
            gray: Whether to remove colours and match the brightness of drawn materials, so that it can be tinted.
        """
        key = (f"{name} gray" if gray else name, repeat)
        if key not in self._photos:
            pixels = shrunk(self._library.texture(name), SURFACE_SIDE)
            self._photos[key] = Photo(_gray(pixels) if gray else pixels, repeat)
        return self._photos[key]

    @property
    def pictures(self) -> list[Photo]:
        """Returns square pictures for walls."""
        if self._pictures is None:
            if self._picture_files:
                images = [_read(path) for path in self._picture_files]
            else:
                images = [self._library.texture(name) for name in self._library.textures("picture")]
            self._pictures = [Photo(shrunk(_square(image), PICTURE_SIDE)) for image in images]
        return self._pictures


def chosen(models: Sequence[Model], which: str) -> dict[str, list[Model]]:
    """Returns the usable models by category, in the order of their ids."""
    kinds: dict[str, list[Model]] = {}
    for model in models:
        if which != "seen" or not model.held_out:
            kinds.setdefault(model.kind, []).append(model)
    if which != "held-out":
        return kinds
    return {kind: [model for model in of if model.held_out] or of for kind, of in kinds.items()}


def role(model: Model) -> str:
    """Returns the role of a model in a room: "fixture", "furniture" or "object"."""
    kind = model.kind
    if kind in FIXTURES:
        return "fixture"
    if kind in FURNITURE:
        return "furniture"
    if kind in OBJECTS:
        return "object"
    known = LIBRARY_KINDS.get(kind)
    stays = known is not None and not known.portable and known.group not in FREE_GROUPS
    if stays and model.places <= {"wall", "ceiling"}:
        return "fixture"
    return "furniture" if stays and "floor" in model.places and 2 * model.extent[0] >= FURNITURE_WIDTH else "object"


def fixed_at(model: Model) -> str:
    """Returns the place of a fixture of the library: "ceiling", "standing" on the floor at a wall, or "wall"."""
    if "ceiling" in model.places and "wall" not in model.places:
        return "ceiling"
    to_the_floor = model.kind.split()[-1] in ("door", "elevator") or model.kind == "french window"
    return "standing" if "floor" in model.places or to_the_floor else "wall"


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as picture:
            return np.array(picture.convert("RGB"))
    except OSError as error:
        raise DatasetError(f"{path} is not a picture: {error}") from error


def _square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def _gray(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    values = pixels.astype(np.float64) @ (0.299, 0.587, 0.114)
    values = 0.9 + (values / max(float(values.mean()), 1.0) - 1.0) * 0.6
    return np.repeat((np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
