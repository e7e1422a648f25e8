"""An image and its objects, with the properties that sentences need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.language.referring.candidates import Boxed
from training.photos.speech.colors import Looks, look
from training.photos.speech.words.kinds import speakable

TARGET_SHARE = 0.005  # fraction of the image: smaller objects are not targets
TARGET_SIDE = 0.03  # fraction of the image's shorter side, for the shorter side of a target's box
CUT_SHARE = 0.02  # fraction of the image for objects cut off by its border, and for plants, which have loose outlines
LANDMARK_SHARE = 0.008
HERDS = frozenset({"sheep", "cow"})  # stand so close that annotators outline several as one
HERD_SHARE = 0.04  # a further piece counts from this fraction of the largest piece
HERD_ASPECT = 1.75  # a wider box contains more than one animal, or one lying down
HERD_AREA = 0.04  # fraction of the image: annotators omit some smaller animals
SCATTER_SHARE = 0.01  # fraction of the largest piece of a mask: smaller pieces are ignored
SCATTER_REACH = 0.2  # largest distance of another piece, as a fraction of the largest piece's longer side
CONTACT_REACH = 0.012  # fraction of the image's height: how far below an object its support is searched


@dataclass(frozen=True)
class PictureObject(Boxed):
    """One labelled object.

    Attributes:
        index: Index in the scene's objects.
        kind: Normalised name of its category.
        box: Left, top, right and bottom in pixels.
        area: Number of pixels of the mask, or of the box without a mask.
        looks: Colours of the object; None if unknown.
        certain: Whether it is one whole object. A crowd, or a region of which only the category is known, is not: it is
            never a target, and it may always be a further object of its category.
    """

    index: int
    kind: str
    box: tuple[float, float, float, float]
    area: int
    looks: Looks | None = None
    certain: bool = True

    @property
    def color(self) -> str | None:
        """The colour that clearly fits the object."""
        return None if self.looks is None else self.looks.color


@dataclass(frozen=True)
class PictureScene:
    """The objects of an image, and the completeness of its labels.

    Attributes:
        width, height: Size of the image in pixels.
        objects: All labelled objects, including crowds and uncertain regions; ``objects[i].index == i``.
        exhaustive: Categories of which every object in the image is labelled, so that the others of them are absent.
        broad: Whether all objects with a broad name ("table", "plant") are labelled, too.
        masks: Masks (H, W) of the objects by index, for statements about supports; without them, there are none.
        unique: Whether a single labelled object of a category is the only one in the image. False for images with only
            some objects labelled: no sentences are made about them.
    """

    width: int
    height: int
    objects: tuple[PictureObject, ...]
    exhaustive: frozenset[str] = frozenset()
    broad: bool = False
    masks: Mapping[int, NDArray[np.bool_]] = field(default_factory=dict, compare=False)
    unique: bool = True

    @property
    def pixels(self) -> int:
        """The number of pixels of the image."""
        return self.width * self.height

    @property
    def diagonal(self) -> float:
        """The diagonal of the image, in pixels."""
        return float(np.hypot(self.width, self.height))

    def is_target(self, thing: PictureObject) -> bool:
        """Whether an object is a valid target: certain, large enough, and with a name."""
        side = min(thing.width, thing.height) / min(self.width, self.height)
        share = CUT_SHARE if self.is_cut(thing) or thing.kind == "potted plant" else TARGET_SHARE
        return thing.certain and thing.area >= share * self.pixels and side >= TARGET_SIDE and speakable(thing.kind)

    def is_cut(self, thing: PictureObject) -> bool:
        """Whether an object touches the image's border, so that a part of it may be outside."""
        left, top, right, bottom = thing.box
        return left <= 1 or top <= 1 or right >= self.width - 1 or bottom >= self.height - 1

    def is_landmark(self, thing: PictureObject) -> bool:
        """Whether an object is a valid landmark."""
        return self.is_target(thing) and thing.area >= LANDMARK_SHARE * self.pixels

    @cached_property
    def _contacts(self) -> dict[tuple[int, int], float]:
        return {}

    def rests_on(self, thing: PictureObject, mark: PictureObject) -> float | None:
        """Returns the fraction of an object's lower rim that touches another object's mask; None without masks."""
        key = (thing.index, mark.index)
        if thing.index not in self.masks or mark.index not in self.masks:
            return None
        if key not in self._contacts:
            reach = max(2, round(CONTACT_REACH * self.height))
            self._contacts[key] = _contact(self.masks[thing.index], self.masks[mark.index], reach)
        return self._contacts[key]


def _contact(thing: NDArray[np.bool_], mark: NDArray[np.bool_], reach: int) -> float:
    """Returns the fraction of one mask's columns with the other within ``reach`` rows below the lowest pixel."""
    columns = np.flatnonzero(thing.any(axis=0))
    if not len(columns):
        return 0.0
    height = thing.shape[0]
    lowest = height - 1 - np.argmax(thing[::-1, columns], axis=0)
    near = lowest >= np.quantile(lowest, 0.5)  # overhanging parts are not feet
    rows = np.minimum(lowest[near][:, None] + np.arange(1, reach + 1), height - 1)
    return float(mark[rows, columns[near][:, None]].any(axis=1).mean())


def object_of(
    index: int, kind: str, mask: NDArray[np.bool_], rgb: NDArray[np.uint8] | None = None, *, certain: bool = True
) -> PictureObject:
    """Makes an object from its non-empty mask (H, W) and the image's pixels (H, W, 3) RGB."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    looks = None if rgb is None else look(rgb, mask)
    herd = kind in HERDS
    single = not is_scattered(mask, herd) and not (herd and (_is_wide(box) or mask.mean() < HERD_AREA))
    return PictureObject(index, kind, box, int(mask.sum()), looks, certain and single)


def _is_wide(box: tuple[float, float, float, float]) -> bool:
    """Whether a box is so wide that the mask of a herd animal may contain two."""
    return box[2] - box[0] > HERD_ASPECT * (box[3] - box[1])


def is_scattered(mask: NDArray[np.bool_], strict: bool = False) -> bool:
    """Whether a mask (H, W) has pieces far from its largest one, so that it may contain several objects.

    With ``strict``, any further piece of some size is enough.
    """
    import cv2

    number, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = stats[1:number]
    if strict and (pieces[:, cv2.CC_STAT_AREA] >= HERD_SHARE * pieces[:, cv2.CC_STAT_AREA].max()).sum() > 1:
        return True
    main = pieces[int(pieces[:, cv2.CC_STAT_AREA].argmax())]
    left, top, width, height, area = (int(value) for value in main)
    reach = SCATTER_REACH * max(width, height)
    far = (
        (pieces[:, 0] > left + width + reach)
        | (pieces[:, 0] + pieces[:, 2] < left - reach)
        | (pieces[:, 1] > top + height + reach)
        | (pieces[:, 1] + pieces[:, 3] < top - reach)
    )
    return bool((far & (pieces[:, 4] >= SCATTER_SHARE * area)).any())


def scene_of(
    rgb: NDArray[np.uint8],
    kinds: Sequence[str],
    masks: Sequence[NDArray[np.bool_]],
    *,
    uncertain: frozenset[int] = frozenset(),
    exhaustive: frozenset[str] = frozenset(),
    broad: bool = False,
    unique: bool = True,
) -> PictureScene:
    """Makes a scene from an image (H, W, 3) RGB and the categories and non-empty masks (H, W) of its objects.

    Args:
        rgb: Pixels of the image.
        kinds: Normalised names, see :func:`training.photos.speech.words.kinds.normal`.
        masks: Masks of the objects, in the same order.
        uncertain: Indices of crowds and of regions of which only the category is known.
        exhaustive: See :class:`PictureScene`.
        broad: See :class:`PictureScene`.
        unique: See :class:`PictureScene`.
    """
    objects = tuple(
        object_of(i, kind, mask, rgb, certain=i not in uncertain)
        for i, (kind, mask) in enumerate(zip(kinds, masks, strict=True))
    )
    return PictureScene(
        rgb.shape[1], rgb.shape[0], objects, exhaustive, broad, dict(enumerate(masks)), unique and bool(objects)
    )
