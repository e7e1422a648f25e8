"""What photographs and lamps do to a room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mdsm_ros.homes.shapes.parts import Photo


@dataclass(frozen=True)
class Look:
    """Surfaces and light of a room.

    Attributes:
        floor, wall: Images that take the place of the drawn floor and walls; None to keep these.
        materials: Images that take the place of drawn materials, gray, tinted by what wears them.
        floor_said: The floor's material as a key of :data:`mdsm_ros.homes.words.rooms.FLOORS`; "" to say nothing of it.
        mood: "day", "evening" or "even", which lights there are.
        exposure: Factor on all light.
        kinds: Categories that could be in such a room, with their possible places; "furniture" and "fixture" among
            them.
    """

    floor: Photo | None = None
    wall: Photo | None = None
    materials: Mapping[str, Photo] = field(default_factory=dict)
    floor_said: str = ""
    mood: str = "even"
    exposure: float = 1.0
    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
