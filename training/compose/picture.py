"""Composing one picture: a background, objects that may be there, places for them, and all of it in one light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.compose.bank import Bank, Place
from training.compose.blending import paste, through_one_camera
from training.compose.canvas import Layer, SceneObject, visible
from training.compose.cutouts import MIN_CHROMA, Cutout
from training.compose.ground import Ground, ground_of
from training.compose.kinds import belongs, place_of
from training.compose.look import look_of
from training.compose.placement import Scene, place

BACKGROUND_TRIES = 30  # pictures that are looked at for one composed picture
OBJECT_TRIES = 4  # cut-outs that are tried for one place among the objects
SEVERAL = 0.6  # probability that objects of one category are pasted together
LIKE_BACKGROUND = 0.4  # probability that this category is one that the background shows
MAX_FILLED = 0.6  # of a background that its objects may fill
CACHED = 1500  # cut-outs kept in memory


@dataclass(frozen=True)
class Composed:
    """A composed picture.

    Attributes:
        rgb: (H, W, 3).
        objects: of the background and pasted, with what can be seen of them.
        exhaustive: categories of which every object is among ``objects``.
        scene: the background's.
        origin: the background's file.
    """

    rgb: NDArray[np.uint8]
    objects: Sequence[SceneObject]
    exhaustive: frozenset[str]
    scene: str
    origin: str


class Composer:
    """Composes pictures from the photographs of a bank.

    Args:
        bank: the photographs.
        objects: fewest and most objects to paste.
    """

    def __init__(self, bank: Bank, objects: tuple[int, int]) -> None:
        self.bank = bank
        self.objects = objects
        self._cutout = lru_cache(CACHED)(bank.cutout)

    def compose(self, rng: np.random.Generator) -> Composed | None:
        """A picture; None where nothing could be pasted into any background that was tried."""
        for _ in range(BACKGROUND_TRIES):
            background = self.bank.pictures[int(rng.integers(len(self.bank.pictures)))]
            composed = self._into(background, rng)
            if composed is not None:
                return composed
        return None

    def _into(self, background: Place, rng: np.random.Generator) -> Composed | None:
        """A picture made of one background; None where it does not serve."""
        choices = self._choices(background)
        if not choices:
            return None
        rgb, objects = self.bank.picture(background)
        filled = np.any([thing.mask for thing in objects], axis=0) if objects else np.zeros(1)
        everywhere = np.ones(rgb.shape[:2], dtype=bool)
        if filled.mean() > MAX_FILLED or look_of(rgb, everywhere).chroma < MIN_CHROMA:
            return None
        ground = ground_of(rgb, objects)
        if ground is None:
            return None
        pasted = self._pasted(choices, objects, ground, rng)
        if not pasted:
            return None
        pasted.sort(key=lambda pair: (pair[0].bottom, pair[0].left))  # the farthest first
        for layer, cutout in pasted:
            grounded = "bottom" not in cutout.sides
            rgb = paste(rgb, layer, cutout.look, grounded, rng)
        everything = visible(objects, [layer for layer, _ in pasted], rgb.shape)
        record = self.bank.record(background)
        lost = {thing.category for thing in everything if not thing.mask.any()}
        return Composed(
            rgb=through_one_camera(rgb, rng),
            objects=[thing for thing in everything if thing.mask.any()],
            exhaustive=self.bank.exhaustive(background) - lost,
            scene=record.scene,
            origin=record.file_name,
        )

    def _choices(self, background: Place) -> dict[str, list[Place]]:
        """The cut-outs by category that may be pasted into a background."""
        exhaustive = self.bank.exhaustive(background)
        place = place_of(self.bank.categories_of(background))
        doubtful = self.bank.doubtful(background)
        return {
            category: cutouts
            for category, cutouts in self.bank.cutouts.items()
            if category in exhaustive and category not in doubtful and belongs(category, place)
        }

    def _pasted(
        self,
        choices: Mapping[str, Sequence[Place]],
        objects: Sequence[SceneObject],
        ground: Ground,
        rng: np.random.Generator,
    ) -> list[tuple[Layer, Cutout]]:
        """Objects at their places, in the order of their choice."""
        wanted = int(rng.integers(self.objects[0], self.objects[1] + 1))
        used: set[Place] = set()
        pasted: list[tuple[Layer, Cutout]] = []
        for category in _categories(choices, [thing.category for thing in objects], wanted, rng):
            for _ in range(OBJECT_TRIES):
                chosen = choices[category][int(rng.integers(len(choices[category])))]
                cutout = None if chosen in used else self._cutout(chosen)
                if not isinstance(cutout, Cutout):
                    continue
                layer = place(cutout, Scene(objects, [done for done, _ in pasted], ground), rng)
                if layer is not None:
                    used.add(chosen)
                    pasted.append((layer, cutout))
                    break
        return pasted if len(pasted) >= self.objects[0] else []


def _categories(
    choices: Mapping[str, Sequence[Place]], there: Sequence[str], wanted: int, rng: np.random.Generator
) -> list[str]:
    """Categories of the objects to paste: often several of one, rare ones more often than they have cut-outs."""
    names = list(choices)
    weights = np.array([len(choices[name]) ** 0.5 for name in names])
    weights /= weights.sum()
    chosen: list[str] = []
    if wanted > 1 and rng.random() < SEVERAL:
        like = sorted({name for name in there if name in choices})
        if like and rng.random() < LIKE_BACKGROUND:
            theme = like[int(rng.integers(len(like)))]
        else:
            theme = names[int(rng.choice(len(names), p=weights))]
        chosen = [theme] * int(rng.integers(2, wanted + 1))
    while len(chosen) < wanted:
        chosen.append(names[int(rng.choice(len(names), p=weights))])
    return chosen
