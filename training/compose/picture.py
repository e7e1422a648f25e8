"""Composes one image: a background, plausible objects, their positions, and common light."""

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

BACKGROUND_TRIES = 30  # images tried for one composed image
OBJECT_TRIES = 4  # cut-outs tried for each object
SEVERAL = 0.6  # probability that objects of one category are pasted together
LIKE_BACKGROUND = 0.4  # probability that this category is one of the background's
MAX_FILLED = 0.6  # largest fraction of a background filled by its objects
CACHED = 1500  # cut-outs cached in memory


@dataclass(frozen=True)
class Composed:
    """A composed image.

    Attributes:
        rgb: Image (H, W, 3).
        objects: Objects of the background and pasted objects, with their visible pixels.
        exhaustive: Categories of which every object is among ``objects``.
        scene: Scene of the background.
        origin: File of the background.
    """

    rgb: NDArray[np.uint8]
    objects: Sequence[SceneObject]
    exhaustive: frozenset[str]
    scene: str
    origin: str


@dataclass(frozen=True)
class Choices:
    """The objects that may be pasted into a background.

    Attributes:
        cut: Objects of photographs by category.
        rendered: Views of models by category.
        fraction: Fraction of models among the objects, if there are both.
    """

    cut: Mapping[str, Sequence[Place]]
    rendered: Mapping[str, Sequence[ModelView]]
    fraction: float

    @property
    def names(self) -> list[str]:
        """Returns all categories."""
        return list(dict.fromkeys((*self.cut, *self.rendered)))

    def one(self, category: str, rng: np.random.Generator) -> Place | ModelView:
        """Draws an object of a category."""
        cut, rendered = self.cut.get(category, ()), self.rendered.get(category, ())
        if rendered and (not cut or rng.random() < self.fraction):
            return rendered[int(rng.integers(len(rendered)))]
        return cut[int(rng.integers(len(cut)))]

    def categories(self, there: Sequence[str], wanted: int, rng: np.random.Generator) -> list[str]:
        """Draws categories of the objects to paste: often several of one; rare ones are favoured.

        Args:
            there: Categories in the background.
            wanted: Number of objects.
            rng: Random generator.
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
    """Composes images from the photographs of a bank, and from models of the library if there is one.

    Args:
        bank: Bank of photographs.
        objects: Smallest and largest number of objects to paste.
        shelf: Shelf of models.
        rendered: Fraction of models among the objects, if an image can have both.

    Raises:
        DatasetError: No image can be a background.
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
        """Composes an image; None if no object could be pasted into any background that was tried."""
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
        """Composes an image from one background; None if it is unsuitable."""
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
        """Returns the objects for a background, only of exhaustively labelled categories: every object is known."""
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
        """Returns placed objects, in the order of their choice."""
        wanted = int(rng.integers(self.objects[0], self.objects[1] + 1))
        used: set[Place | ModelView] = set(own)  # no object is pasted beside itself
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
