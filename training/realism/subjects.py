"""What is shown to the network: models of the library, and shapes that the homes build themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import numpy as np

from mdsm_ros.homes.furnishing.shapes import ready
from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.objects import OBJECTS
from mdsm_ros.homes.shapes.parts import COLORS, Part, vary
from mdsm_ros.library import Library

TEXTURE_SIDE = 512  # pixels


@dataclass(frozen=True)
class Subject:
    """Something to take pictures of.

    Attributes:
        name: Name for people.
        kind: Noun.
        parts: Builds it; a procedural shape is another one each time.
    """

    name: str
    kind: str
    parts: Callable[[np.random.Generator], list[Part]]


def library_subjects(library: Library, kinds: Collection[str]) -> list[Subject]:
    """The library's usable models of some kinds."""
    return [
        Subject(model.id, model.kind, partial(_loaded, library, model.id))
        for model in library.models
        if model.kind in kinds
    ]


def _loaded(library: Library, model_id: str, rng: np.random.Generator) -> list[Part]:
    return list(ready(library.load(model_id), TEXTURE_SIDE).parts)


def procedural_subjects(kinds: Collection[str], number: int) -> list[Subject]:
    """The procedural shapes of some kinds, ``number`` of each."""
    builders = {name: _colored(kind.shape, kind.colors) for name, kind in OBJECTS.items()}
    builders |= {name: _furniture(name) for name in FURNITURE}
    builders |= {name: _colored(fixture.shape, fixture.colors) for name, fixture in FIXTURES.items()}
    return [
        Subject(f"procedural {name} {count}", name, parts)
        for name, parts in builders.items()
        if name in kinds
        for count in range(number)
    ]


def _colored(
    shape: Callable[[tuple[float, float, float], np.random.Generator], list[Part]], colors: tuple[str, ...]
) -> Callable[[np.random.Generator], list[Part]]:
    return lambda rng: shape(vary(COLORS[str(rng.choice(colors))], rng), rng)


def _furniture(name: str) -> Callable[[np.random.Generator], list[Part]]:
    builder, colors = FURNITURE[name]
    return lambda rng: builder(vary(COLORS[str(rng.choice(colors))], rng), rng).parts
