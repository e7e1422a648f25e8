"""The library's models for one room, and the room's remaining budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mdsm_ros.homes.furnishing.shapes import ReadyShape
from mdsm_ros.homes.furnishing.stock import Stock, role
from mdsm_ros.homes.home import WALL_HEIGHT, Item
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.kinds.rooms import ROOMS
from mdsm_ros.homes.words.lexicon import FRAMED
from mdsm_ros.library import Model, Surface

LIBRARY_SHARE = 0.88  # fraction of models among items that also have a procedural shape
TRIES = 3  # models drawn until one is within the budget
SOFT = frozenset(
    {
        "sofa", "loveseat", "sectional sofa", "sofa bed", "futon", "day bed", "chaise lounge", "armchair", "recliner",
        "bed", "hospital bed", "bunk bed", "loft bed", "crib", "cradle", "mattress", "air mattress", "bench", "ottoman",
        "sun lounger", "piano bench",
    }
)  # fmt: skip
"""Kinds on which soft things lie, and no others."""

UNCOLORED_GROUPS = frozenset({"person", "pet", "plant", "food"})
"""Groups of kinds of which nobody says a colour: a blue man has blue clothes, and white lilies are mostly green."""

HOLDERS = frozenset(
    {
        "table", "coffee table", "side table", "desk", "cafe table", "bar table", "folding table", "kids table",
        "workbench", "drafting table", "cabinet", "dresser", "nightstand", "tv stand", "filing cabinet", "vanity",
        "counter", "kitchen island", "bathroom vanity", "entertainment center", "bookcase", "shelf", "wall shelf",
        "locker", "wardrobe", "pantry cabinet", "trunk", "safe", "washing machine", "dryer", "chest freezer",
        "changing table", "ping pong table", "piano", "fireplace", "barrel", "refrigerator",
    }
)  # fmt: skip
"""Kinds on which other things lie."""


@dataclass
class Budget:
    """Number of triangles that the room may still add: rendering costs about a microsecond each."""

    faces: int = 110_000
    share: float = 0.15  # largest fraction of it for one item


class RoomStock:
    """The library for one type of room.

    Args:
        stock: The library.
        room: Name of the type of room.
    """

    def __init__(self, stock: Stock, room: str) -> None:
        self._stock, self._room = stock, room
        self._budget = Budget()
        self.roles = _roles(stock, room)

    def kinds(self, wanted: str) -> list[str]:
        """Returns the library's categories of "furniture", "fixture" or "object" in this room, sorted by name."""
        return [kind for kind, of in self.roles.items() if of == wanted]

    def places(self) -> dict[str, frozenset[str]]:
        """Returns every category that could be in the room, including procedural ones, with its possible places."""
        room = ROOMS[self._room]
        places = {kind: OBJECTS[kind].places for kind in room.objects}
        places |= dict.fromkeys(room.furniture, frozenset({"furniture"}))
        places |= dict.fromkeys(room.fixtures, frozenset({"fixture"}))
        for kind, of in self.roles.items():
            if of == "object":
                models = self._stock.of_kind(kind, self._room)
                places[kind] = places.get(kind, frozenset()).union(*(model.places for model in models))
            else:
                places[kind] = frozenset({of})
        return places

    def draw(self, kind: str, rng: np.random.Generator) -> Model | None:
        """Draws a model of a category; None for the procedural shape, or if no model is within the budget."""
        models = self._stock.of_kind(kind, self._room) or self._stock.models.get(kind, [])
        procedural = kind in OBJECTS or kind in FURNITURE or kind in FIXTURES
        if not models or (procedural and rng.random() > LIBRARY_SHARE):
            return None
        for _ in range(TRIES):
            model = models[int(rng.integers(len(models)))]
            if model.height < WALL_HEIGHT - 0.05 and self.affords(model):
                return model
        return None

    def affords(self, model: Model) -> bool:
        """Whether the budget allows a model's triangles."""
        return self._stock.shape(model).faces <= self._budget.faces * self._budget.share

    def pay(self, item: Item) -> None:
        """Subtracts the triangles of a placed item from the budget."""
        self._budget.faces -= sum(len(part.mesh.faces) for part in item.parts if part.mesh is not None)

    def shape(self, model: Model) -> ReadyShape:
        """Returns the shape of a model."""
        return self._stock.shape(model)

    def color(self, model: Model) -> str:
        """Returns the name of a model's colour; "" if none fits, or if the word would mean the frame's colour."""
        known = LIBRARY_KINDS.get(model.kind)
        nobody_says = model.kind in FRAMED or (known is not None and known.group in UNCOLORED_GROUPS)
        return "" if nobody_says else self._stock.shape(model).colors.name

    def shows(self, model: Model) -> frozenset[str]:
        """Returns the categories that are part of a model."""
        return self._stock.shows(model)

    def surfaces(self, model: Model) -> list[Surface]:
        """Returns the surfaces of a model for objects."""
        surfaces = self._stock.shape(model).surfaces
        if model.kind not in SOFT:
            return list(surfaces) if model.kind in HOLDERS else []
        return [replace(s, place="soft") if s.place == "surface" else s for s in surfaces]


def _roles(stock: Stock, room: str) -> Mapping[str, str]:
    return {kind: role(models[0]) for kind in stock.models if (models := stock.of_kind(kind, room))}
