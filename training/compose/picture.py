"""Composing one picture: a background, objects that may be there, places for them, and all of it in one light."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import DatasetError
from training.compose.bank import Bank, Place
from training.compose.blending import paste, through_one_camera
from training.compose.canvas import Layer, SceneObject, visible
from training.compose.cutouts import MIN_CHROMA, Cutout
from training.compose.ground import Ground, ground_of
from training.compose.kinds import PASTED, belongs, place_of
from training.compose.look import look_of
from training.compose.placement import Scene, place
from training.compose.rendered import ModelView, Shelf

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
        rgb: Image (H, W, 3).
        objects: Objects of the background and pasted objects, with their visible pixels.
        exhaustive: Categories of which every object is among ``objects``.
        scene: The background's.
        origin: The background's file.
    """

    rgb: NDArray[np.uint8]
    objects: Sequence[SceneObject]
    exhaustive: frozenset[str]
    scene: str
    origin: str


@dataclass(frozen=True)
class Choices:
    """What may be pasted into a background.

    Attributes:
        cut: Objects of photographs by category.
        rendered: Views of models by category.
        fraction: Fraction of the objects that are models, if there are both.
    """

    cut: Mapping[str, Sequence[Place]]
    rendered: Mapping[str, Sequence[ModelView]]
    fraction: float

    @property
    def names(self) -> list[str]:
        """All categories."""
        return list(dict.fromkeys((*self.cut, *self.rendered)))

    def one(self, category: str, rng: np.random.Generator) -> Place | ModelView:
        """An object of a category."""
        cut, rendered = self.cut.get(category, ()), self.rendered.get(category, ())
        if rendered and (not cut or rng.random() < self.fraction):
            return rendered[int(rng.integers(len(rendered)))]
        return cut[int(rng.integers(len(cut)))]

    def categories(self, there: Sequence[str], wanted: int, rng: np.random.Generator) -> list[str]:
        """Categories of the objects to paste: often several of one; rare ones more often than they have objects.

        Args:
            there: Categories that the background shows.
            wanted: Number of objects.
            rng: Draws them.
        """
        like = sorted({name for name in there if name in self.names})
        chosen: list[str] = []
        if wanted > 1 and rng.random() < SEVERAL:
            like_background = like and rng.random() < LIKE_BACKGROUND
            theme = like[int(rng.integers(len(like)))] if like_background else self._category(rng)
            chosen = [theme] * int(rng.integers(2, wanted + 1))
        while len(chosen) < wanted:
            chosen.append(self._category(rng))
        return chosen

    def _category(self, rng: np.random.Generator) -> str:
        source: Mapping[str, Sequence[object]] = self.cut
        if self.rendered and (not self.cut or rng.random() < self.fraction):
            source = self.rendered
        weights = np.array([len(source[name]) ** 0.5 for name in source])
        return list(source)[int(rng.choice(len(weights), p=weights / weights.sum()))]


class Composer:
    """Composes pictures from the photographs of a bank, and from models of the library where there is one.

    Args:
        bank: The photographs.
        objects: Fewest and most objects to paste.
        shelf: The models.
        rendered: Fraction of the objects that are models, where the picture can have both.

    Raises:
        DatasetError: No picture can be a background.
    """

    def __init__(self, bank: Bank, objects: tuple[int, int], shelf: Shelf | None = None, rendered: float = 0.0) -> None:
        self.bank, self.shelf, self.rendered = bank, shelf, rendered
        self.objects = objects
        choices = [self._choices(picture) for picture in bank.pictures]
        self._backgrounds = [(p, c) for p, c in zip(bank.pictures, choices, strict=True) if c.names]
        if not self._backgrounds:
            raise DatasetError(
                f"{bank.where}: 0 pictures of split {bank.split!r} can be backgrounds, expected 1 or more in which "
                'every object of a category to paste is labelled (info["exhaustive"], from mdsm-data photos)'
            )
        weights = np.array([len(c.names) for _, c in self._backgrounds], float)
        self._chances = weights / weights.sum()
        self._cutout = lru_cache(CACHED)(self._cut)

    def compose(self, rng: np.random.Generator) -> Composed | None:
        """A picture; None where nothing could be pasted into any background that was tried."""
        for _ in range(BACKGROUND_TRIES):
            background, choices = self._backgrounds[int(rng.choice(len(self._backgrounds), p=self._chances))]
            composed = self._into(background, choices, rng)
            if composed is not None:
                return composed
        return None

    def _cut(self, source: Place | ModelView) -> Cutout | str:
        if isinstance(source, Place):
            return self.bank.cutout(source)
        assert self.shelf is not None
        return self.shelf.cutout(source)

    def _into(self, background: Place, choices: Choices, rng: np.random.Generator) -> Composed | None:
        """A picture made of one background; None where it does not serve."""
        rgb, objects = self.bank.picture(background)
        filled = np.any([thing.mask for thing in objects], axis=0) if objects else np.zeros(1)
        everywhere = np.ones(rgb.shape[:2], dtype=bool)
        if filled.mean() > MAX_FILLED or look_of(rgb, everywhere).chroma < MIN_CHROMA:
            return None
        ground = ground_of(rgb, objects)
        if ground is None:
            return None
        pasted = self._pasted(choices, objects, ground, self.bank.places_of(background), rng)
        if not pasted:
            return None
        pasted.sort(key=lambda pair: (pair[0].bottom, pair[0].left))  # the farthest first
        for layer, cutout in pasted:
            rgb = paste(rgb, layer, cutout.look, True, rng)
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

    def _choices(self, background: Place) -> Choices:
        """What may be pasted into a background: only what it would have labelled, so that every object is known."""
        place = place_of(self.bank.categories_of(background))
        fitting = {c for c in self.bank.exhaustive(background) if c in PASTED and belongs(c, place)}
        fitting -= self.bank.doubtful(background)
        shelf = {} if self.shelf is None or self.rendered == 0 else self.shelf.views
        return Choices(
            cut={c: places for c, places in self.bank.cutouts.items() if c in fitting},
            rendered={c: views for c, views in shelf.items() if c in fitting},
            fraction=self.rendered,
        )

    def _pasted(
        self,
        choices: Choices,
        objects: Sequence[SceneObject],
        ground: Ground,
        own: Collection[Place],
        rng: np.random.Generator,
    ) -> list[tuple[Layer, Cutout]]:
        """Objects at their places, in the order of their choice."""
        wanted = int(rng.integers(self.objects[0], self.objects[1] + 1))
        used: set[Place | ModelView] = set(own)  # nothing is pasted beside itself
        pasted: list[tuple[Layer, Cutout]] = []
        for category in choices.categories([thing.category for thing in objects], wanted, rng):
            for _ in range(OBJECT_TRIES):
                chosen = choices.one(category, rng)
                cutout = None if chosen in used else self._cutout(chosen)
                if not isinstance(cutout, Cutout):
                    continue
                layer = place(cutout, Scene(objects, [done for done, _ in pasted], ground), rng)
                if layer is not None:
                    used.add(chosen)
                    pasted.append((layer, cutout))
                    break
        return pasted if len(pasted) >= self.objects[0] else []
