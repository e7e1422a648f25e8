"""A home: its rooms and their items."""

from __future__ import annotations

from dataclasses import dataclass, field

from mdsm_ros.homes.look import Look
from mdsm_ros.homes.shapes.parts import RGB, Part
from mdsm_ros.library import Surface

WALL_HEIGHT = 2.5  # metres


@dataclass
class Item:
    """One object, fixture or piece of furniture in a room.

    Attributes:
        furniture: Whether it is a piece of furniture or a fixture, not a movable object.
        color: Name of its colour; "" for a library model without a single fitting name.
        place: "wall-side" (furniture and fixtures on the floor), "floor", "surface", "soft", "under", "wall" or
            "ceiling".
        position: Centre of the base in the room's frame, metres (x, y on the floor, z up, origin in the middle).
        yaw: Rotation about z, radians.
        extent: Half-extents (x, y) of the footprint after rotation, metres.
        support: Index of the furniture that supports it; None for the floor or a wall.
        beneath: Index of the furniture it lies under.
        above: Index of the furniture it hangs above.
        pattern: A name of :data:`mdsm_ros.homes.shapes.textures.PATTERNS`, or "".
        surfaces: Surfaces for objects on it.
        model: Id of its library model; "" for procedural shapes.
        tints: Colour names that people may use for a library model.
        shows: Categories that are part of the library model, such as a vanity's mirror.
        lit: Whether it is a lamp that is switched on.
    """

    kind: str
    color: str
    size: str
    parts: list[Part]
    position: tuple[float, float, float]
    yaw: float
    extent: tuple[float, float]
    height: float
    furniture: bool
    place: str
    support: int | None = None
    beneath: int | None = None
    above: int | None = None
    pattern: str = ""
    surfaces: list[Surface] = field(default_factory=list)
    model: str = ""
    tints: frozenset[str] = frozenset()
    shows: frozenset[str] = frozenset()
    lit: bool = False

    @property
    def center(self) -> tuple[float, float, float]:
        """Centre of the item in the room, metres."""
        x, y, z = self.position
        return x, y, z + self.height / 2


@dataclass
class Room:
    """A rectangular room; ``size`` is its extent along x and y in metres.

    ``wall`` is the name of the walls' colour, "" if no name fits; materials are those of
    :mod:`mdsm_ros.homes.shapes.textures`. ``look`` contains the photographic surfaces and lights of a room that is
    furnished from the library of models; None for a procedural room.
    """

    kind: str
    size: tuple[float, float]
    items: list[Item]
    seed: int
    wall: str
    wall_color: RGB
    wall_material: str
    floor_color: RGB
    floor_material: str
    look: Look | None = None


@dataclass
class Home:
    """The rooms of one seed."""

    seed: int
    rooms: list[Room]
