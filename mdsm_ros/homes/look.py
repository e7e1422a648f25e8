"""The photographic surfaces and the light of a room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mdsm_ros.homes.shapes.parts import Photo


@dataclass(frozen=True)
class Look:
    """Surfaces and light of a room.

    Attributes:
        floor, wall: Images that replace the drawn floor and walls; None to use the drawn ones.
        materials: Gray images that replace drawn materials, tinted by the item's colour.
        floor_said: The floor's material as a key of :data:`mdsm_ros.homes.words.rooms.FLOORS`; "" to leave it unnamed.
        mood: Type of lighting: "day", "evening" or "even".
        exposure: Factor on all light.
        kinds: Categories that could be in such a room, with their possible places, including "furniture" and "fixture".
    """

    floor: Photo | None = None
    wall: Photo | None = None
    materials: Mapping[str, Photo] = field(default_factory=dict)
    floor_said: str = ""
    mood: str = "even"
    exposure: float = 1.0
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
