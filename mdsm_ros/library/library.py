"""The library of 3D models that furnish homes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError
from mdsm_ros.library import store, table
from mdsm_ros.library.shapes import Shape, bounds, rotation, turned

HELD_OUT_SHARE = 0.15
TABLE_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Model:
    """The record of one model.

    Attributes:
        id: Catalogue and name, "scopia/bed1".
        name: Name in the catalogue.
        catalogue: Catalogue of origin; ``licence`` and ``creator`` are for its credit.
        kind: Noun that people use for it.
        places: Places where it may stand: floor, wall, ceiling, surface, shelf, soft, under, in.
        rooms: Rooms where it belongs; empty for all.
        front_known: Whether its front is known to be at +y.
        extent: Half of the footprint's extents (hx, hy), metres.
        height: Height in metres.
        elevation: Height of its base above the floor in the catalogue, in metres; 0 for standing objects.
        held_out: Whether it is for evaluation only.
    """

    id: str
    name: str
    catalogue: str
    licence: str
    creator: str
    kind: str
    places: frozenset[str]
    rooms: frozenset[str]
    front_known: bool
    extent: tuple[float, float]
    height: float
    elevation: float
    held_out: bool


class Library:
    """The models and textures of a cache folder that the table marks as usable.

    Attributes:
        models: Models, sorted by id.
        kinds: Categories of the models, by noun.
        version: Version, which changes with the models, the textures and the table.
    """

    def __init__(self, folder: Path, index: dict[str, Any], tables: Path) -> None:
        self._folder = folder
        self._rows = table.read_models(tables / table.MODELS_FILE)
        self.kinds = table.read_kinds(tables / table.KINDS_FILE)
        records = {entry["id"]: entry for entry in index["models"]}
        usable = [row for row in self._rows.values() if row.usable and row.id in records]
        held_out = hold_out({row.id: row.kind for row in usable})
        models = [_model(row, records[row.id], row.id in held_out) for row in usable]
        self.models: tuple[Model, ...] = tuple(sorted(models, key=lambda model: model.id))
        self._ids = {model.id for model in models}
        self._textures: dict[str, list[str]] = index["textures"]
        digest = hashlib.sha256(index["digest"].encode())
        for name in (table.MODELS_FILE, table.KINDS_FILE):
            digest.update((tables / name).read_bytes())
        self.version: str = digest.hexdigest()[:16]

    @classmethod
    def open(cls, folder: Path | None = None, tables: Path = TABLE_FOLDER) -> Library:
        """Opens the cache.

        Args:
            folder: Folder of the cache; None for the default one.
            tables: Folder of models.csv and kinds.csv.

        Raises:
            LibraryMissing: There is no finished cache; the message names the command that makes it.
            DatasetError: A table cannot be read.
        """
        folder = store.default_folder() if folder is None else folder
        return cls(folder, store.read_index(folder), tables)

    def load(self, model_id: str) -> Shape:
        """The shape of a model, with its front at +y if that is known.

        Raises:
            DatasetError: There is no such model, or its file is damaged.
        """
        if model_id not in self._ids:
            raise DatasetError(f"model is {model_id!r}, expected an id of the library")
        row = self._rows[model_id]
        return turned(store.read_shape(store.model_path(self._folder, model_id)), row.front or 0.0, row.scale)

    def textures(self, group: str) -> tuple[str, ...]:
        """Names of the textures of a group: floor, wall, cloth, wood, stone or picture; sorted."""
        return tuple(self._textures.get(group, ()))

    def texture(self, name: str) -> NDArray[np.uint8]:
        """A texture, uint8 (H, W, 3).

        Raises:
            DatasetError: There is no such texture, or its file is damaged.
        """
        if not any(name in names for names in self._textures.values()):
            raise DatasetError(f"texture is {name!r}, expected a name of the library")
        path = self._folder / store.TEXTURES_FOLDER / f"{name}.jpg"
        try:
            return store.decode_picture(path.read_bytes())
        except OSError as error:
            raise DatasetError(f"{path} is damaged: {error}") from error


def hold_out(kinds: dict[str, str]) -> frozenset[str]:
    """The ids of the models reserved for evaluation, about 15 %.

    The choice follows from the ids. Of a kind with several models at least one stays for training; whether
    one more or one less of a kind is held out is drawn by the kind's name, so that the share is right over all.

    Args:
        kinds: Kind by id.
    """
    members: dict[str, list[str]] = {}
    for model_id, kind in kinds.items():
        members.setdefault(kind or model_id, []).append(model_id)
    held_out: set[str] = set()
    for kind, ids in members.items():
        number = int(HELD_OUT_SHARE * len(ids) + _draw(f"kind {kind}"))
        if len(ids) > 1:
            number = min(number, len(ids) - 1)
        held_out.update(sorted(ids, key=_draw)[:number])
    return frozenset(held_out)


def _draw(text: str) -> float:
    """A number from 0 to 1 that follows from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _model(row: table.Row, record: dict[str, Any], held_out: bool) -> Model:
    low, high = bounds(np.array(record["outline"]) @ rotation(row.front or 0.0).T * row.scale)
    hx, hy = (high - low) / 2
    return Model(
        id=row.id,
        name=record["name"],
        catalogue=record["catalogue"],
        licence=record["licence"],
        creator=record["creator"],
        kind=row.kind,
        places=row.places,
        rooms=row.rooms,
        front_known=record["front_known"] or row.front is not None,
        extent=(float(hx), float(hy)),
        height=record["height"] * row.scale,
        elevation=record["elevation"],
        held_out=held_out,
    )
