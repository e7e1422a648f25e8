"""A picture and its objects, as far as sentences need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.photos.speech.colors import Looks, look
from training.photos.speech.words.kinds import speakable

TARGET_SHARE = 0.005  # of the picture: smaller objects are not asked for
TARGET_SIDE = 0.03  # of the picture's shorter side, for the shorter side of its box
CUT_SHARE = 0.02  # the same for objects that the picture's border cuts off, and for plants, of loose outlines
LANDMARK_SHARE = 0.008
HERDS = frozenset({"sheep", "cow"})  # stand so close that annotators draw several in one piece
HERD_SHARE = 0.04  # of the largest piece
HERD_ASPECT = 1.75  # a wider box than this holds more than one animal, or one lying down
HERD_AREA = 0.04  # of the picture: of smaller animals, annotators leave some out
SCATTER_SHARE = 0.01  # of the largest piece of a mask: smaller pieces do not count
SCATTER_REACH = 0.2  # of the largest piece's longer side: how far from it another may be
CONTACT_REACH = 0.012  # of the picture's height: how far below an object what it rests on is looked for


@dataclass(frozen=True)
class PictureObject:
    """One labelled object.

    Attributes:
        index: Index in the scene's objects.
        kind: Normalised name of its category.
        box: Left, top, right and bottom in pixels.
        area: Pixels of its mask, or of its box where it has none.
        looks: Colours of the object; None if unknown.
        certain: One whole object. A crowd, or a region of which only the kind is known, is not: it is never asked
            for, and it may always be a further object of its kind.
    """

    index: int
    kind: str
    box: tuple[float, float, float, float]
    area: int
    looks: Looks | None = None
    certain: bool = True

    @property
    def x(self) -> float:
        """Column of the box's centre."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def y(self) -> float:
        """Row of the box's centre."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def width(self) -> float:
        """Of the box."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Of the box."""
        return self.box[3] - self.box[1]

    @property
    def color(self) -> str | None:
        """The colour that clearly fits it."""
        return None if self.looks is None else self.looks.color


@dataclass(frozen=True)
class PictureScene:
    """The objects of a picture, and what is known of the rest.

    Attributes:
        width, height: Size of the image in pixels.
        objects: Everything labelled, crowds and uncertain regions too; ``objects[i].index == i``.
        exhaustive: Kinds of which every object in the picture is labelled, so that those that are not among the
            objects are not in the picture.
        broad: Everything that a broad name fits ("table", "plant") is labelled too.
        masks: Masks (H, W) of the objects by index, for what rests on what; without them nothing is said of that.
        unique: An object that is labelled alone in its kind is alone in the picture. False for pictures of which only
            some objects are labelled: nothing is said about them.
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
        """Of the picture."""
        return self.width * self.height

    @property
    def diagonal(self) -> float:
        """Of the picture, in pixels."""
        return float(np.hypot(self.width, self.height))

    def is_target(self, thing: PictureObject) -> bool:
        """Whether an object is fit to be asked for: certain, large enough, and with a name."""
        side = min(thing.width, thing.height) / min(self.width, self.height)
        share = CUT_SHARE if self.is_cut(thing) or thing.kind == "potted plant" else TARGET_SHARE
        return thing.certain and thing.area >= share * self.pixels and side >= TARGET_SIDE and speakable(thing.kind)

    def is_cut(self, thing: PictureObject) -> bool:
        """Whether an object reaches the picture's border, so that a part of it may be outside."""
        left, top, right, bottom = thing.box
        return left <= 1 or top <= 1 or right >= self.width - 1 or bottom >= self.height - 1

    def is_landmark(self, thing: PictureObject) -> bool:
        """Whether an object is fit to say where another is."""
        return self.is_target(thing) and thing.area >= LANDMARK_SHARE * self.pixels

    @cached_property
    def _contacts(self) -> dict[tuple[int, int], float]:
        return {}

    def rests_on(self, thing: PictureObject, mark: PictureObject) -> float | None:
        """Share of the lower rim of one object's mask that borders on another object's; None without masks."""
        key = (thing.index, mark.index)
        if thing.index not in self.masks or mark.index not in self.masks:
            return None
        if key not in self._contacts:
            reach = max(2, round(CONTACT_REACH * self.height))
            self._contacts[key] = _contact(self.masks[thing.index], self.masks[mark.index], reach)
        return self._contacts[key]


def _contact(thing: NDArray[np.bool_], mark: NDArray[np.bool_], reach: int) -> float:
    """Share of the columns of one mask below whose lowest pixel the other begins within ``reach`` rows."""
    columns = np.flatnonzero(thing.any(axis=0))
    if not len(columns):
        return 0.0
    height = thing.shape[0]
    lowest = height - 1 - np.argmax(thing[::-1, columns], axis=0)
    near = lowest >= np.quantile(lowest, 0.5)  # what hangs over is no foot
    rows = np.minimum(lowest[near][:, None] + np.arange(1, reach + 1), height - 1)
    return float(mark[rows, columns[near][:, None]].any(axis=1).mean())


def object_of(
    index: int, kind: str, mask: NDArray[np.bool_], rgb: NDArray[np.uint8] | None = None, *, certain: bool = True
) -> PictureObject:
    """An object from its mask (H, W), which has a pixel, and the picture's pixels (H, W, 3) RGB."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    looks = None if rgb is None else look(rgb, mask)
    herd = kind in HERDS
    single = not is_scattered(mask, herd) and not (herd and (_is_wide(box) or mask.mean() < HERD_AREA))
    return PictureObject(index, kind, box, int(mask.sum()), looks, certain and single)


def _is_wide(box: tuple[float, float, float, float]) -> bool:
    """Whether a box is so wide that a mask of a herd's animal may be of two."""
    return box[2] - box[0] > HERD_ASPECT * (box[3] - box[1])


def is_scattered(mask: NDArray[np.bool_], strict: bool = False) -> bool:
    """Whether a mask (H, W) has pieces far from its largest one, so that it may be of several objects.

    ``strict``: any further piece of some size is enough.
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
    """A scene from a picture (H, W, 3) RGB and the kinds and masks (H, W) of its objects, none empty.

    Args:
        rgb: The picture.
        kinds: Normalised names, see :func:`training.photos.speech.words.kinds.normal`.
        masks: One for each kind.
        uncertain: Indices of crowds and of regions of which only the kind is known.
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
