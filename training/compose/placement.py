"""Chooses position and size of a pasted object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.compose.canvas import Layer, Mask, SceneObject
from training.compose.cutouts import Cutout
from training.compose.ground import Ground, support_rows
from training.compose.kinds import MIRRORED, PASTED

TRIES = 12  # positions tried for one object
MIN_SIDE = 40  # pixels of a pasted object's shorter side
MAX_SIDE = 0.8  # fraction of the image's side
MAX_ENLARGED = 1.25  # more would look blurred
OFF_SIZE = (0.55, 1.7)  # range of the factor by which its size may be wrong
MAX_HIDDEN = 0.2  # largest fraction of an object hidden by one object
MAX_HIDDEN_IN_ALL = 0.2  # largest fraction of an object hidden by all pasted ones
TOUCH = 0.02  # fraction of an object; a smaller overlap is ignored
FOOT = 4  # rows above and below an object's lower edge that must be ground
MAX_BARE = 0.4  # largest fraction of them that is sky or wall
ON_SUPPORT = 0.75  # probability that a table object is placed on a table
ON_FLOOR = 0.5  # probability that such an object is placed on the floor if there is no table


@dataclass(frozen=True)
class Scene:
    """The scene that a new object must fit.

    Attributes:
        objects: Objects of the image.
        layers: Objects pasted already.
        ground: Ground of the image.
    """

    objects: Sequence[SceneObject]
    layers: Sequence[Layer]
    ground: Ground

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image."""
        return self.ground.bare.shape[0], self.ground.bare.shape[1]


def place(cutout: Cutout, scene: Scene, rng: np.random.Generator) -> Layer | None:
    """Finds a position for an object; None if no tried position fits."""
    if cutout.category in MIRRORED and rng.random() < 0.5:
        cutout = mirrored(cutout)
    for _ in range(TRIES):
        spot = _spot(cutout, scene, rng)
        if spot is None:
            continue
        row, column, on_support = spot
        scale = _scale(cutout, scene, row, rng)
        if scale is None:
            continue
        layer = _layer(cutout, scale, row, column, on_support, scene.shape)
        if layer is not None and _fits(layer, scene):
            return layer
    return None


def mirrored(cutout: Cutout) -> Cutout:
    """Returns the mirror image of a cut-out."""
    return replace(
        cutout,
        rgb=np.ascontiguousarray(cutout.rgb[:, ::-1]),
        alpha=np.ascontiguousarray(cutout.alpha[:, ::-1]),
    )


def _spot(cutout: Cutout, scene: Scene, rng: np.random.Generator) -> tuple[float, float, bool] | None:
    """Draws the row of the lower edge, the column of the centre, and whether it is on a support."""
    _, width = scene.shape
    habit = PASTED[cutout.category]
    if habit.stands != "floor":
        point = _support_point(scene, rng) if rng.random() < ON_SUPPORT else None
        if point is not None:
            return point[0], point[1], True
        if habit.stands == "table" and rng.random() >= ON_FLOOR:
            return None
    return float(rng.uniform(scene.ground.first, scene.ground.last)), float(rng.uniform(0, width)), False


def _support_point(scene: Scene, rng: np.random.Generator) -> tuple[float, float] | None:
    """Draws a point on one of the supports of an image."""
    tops = []
    for thing in scene.objects:
        rows = support_rows(thing)
        if rows is not None:
            top = cv2.erode(thing.mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
            top[: rows[0]] = False
            top[rows[1] :] = False
            if top.sum() > 100:
                tops.append(top)
    if not tops:
        return None
    down, across = np.nonzero(tops[int(rng.integers(len(tops)))])
    chosen = int(rng.integers(len(down)))
    return float(down[chosen]), float(across[chosen])


def _scale(cutout: Cutout, scene: Scene, row: float, rng: np.random.Generator) -> float | None:
    """Draws the scale from the cut-out's pixels to the image's; None if no plausible one gives a useful size."""
    height, width = scene.shape
    tall, wide = cutout.alpha.shape
    low, high = PASTED[cutout.category].size
    metre = scene.ground.pixels_per_metre(row)
    wanted = (cutout.metres or float(rng.uniform(low, high))) * metre / max(tall, wide)
    least = MIN_SIDE / min(tall, wide)
    most = min(MAX_ENLARGED, MAX_SIDE * height / tall, MAX_SIDE * width / wide)
    if least > most:
        return None
    scale = float(np.clip(wanted, least, most))
    return scale if OFF_SIZE[0] <= scale / wanted <= OFF_SIZE[1] else None


def _layer(
    cutout: Cutout, scale: float, row: float, column: float, on_support: bool, shape: tuple[int, int]
) -> Layer | None:
    """Returns a cut-out with its size and position; None if it would extend over the image's border."""
    height, width = shape
    size = (max(2, round(cutout.alpha.shape[1] * scale)), max(2, round(cutout.alpha.shape[0] * scale)))
    top, left = round(row) - size[1], round(column - size[0] / 2)
    if not (0 <= left <= width - size[0] and 2 <= top <= height - size[1]):
        return None
    rgb, alpha = _resized(cutout, size)
    return Layer(cutout.category, rgb, alpha, left, top, on_support, cutout.origin)


def _resized(cutout: Cutout, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    way = cv2.INTER_AREA if size[0] < cutout.alpha.shape[1] else cv2.INTER_LINEAR
    return (
        np.asarray(cv2.resize(cutout.rgb, size, interpolation=way), np.uint8),
        np.asarray(cv2.resize(cutout.alpha, size, interpolation=way), np.float32) / np.float32(255),
    )


def _fits(layer: Layer, scene: Scene) -> bool:
    """Whether an object is clear of others, or in front of farther ones."""
    own = layer.silhouette(scene.shape)
    if not own.any():
        return False
    if not (_based(layer, scene) if layer.on_support else _grounded(layer, scene)):
        return False
    return all(_before(layer, own, thing, scene) for thing in scene.objects) and all(
        _apart(layer, own, other, scene) for other in scene.layers
    )


def _grounded(layer: Layer, scene: Scene) -> bool:
    """Whether an object's lower edge is not in front of sky or a wall."""
    rows = slice(max(0, layer.bottom - FOOT), layer.bottom + FOOT)
    return float(scene.ground.bare[rows, layer.left : layer.left + layer.alpha.shape[1]].mean()) < MAX_BARE


def _based(layer: Layer, scene: Scene) -> bool:
    """Whether the centre of an object's lower edge rests on a support."""
    wide = layer.alpha.shape[1]
    row = min(layer.bottom, scene.shape[0] - 1)
    columns = slice(layer.left + wide // 5, layer.left + wide - wide // 5)
    supports = [thing.mask for thing in scene.objects if support_rows(thing) is not None]
    carried = [float(mask[row - 3 : row + 1, columns].mean()) for mask in supports]
    return max(carried, default=0.0) > 0.8


def _before(layer: Layer, own: Mask, thing: SceneObject, scene: Scene) -> bool:
    """Whether an object may cover the overlapped part of another object of the image."""
    area = int(thing.mask.sum())
    if area == 0:
        return True
    covered = int((thing.mask & own).sum())
    if support_rows(thing) is not None and layer.on_support:
        return covered <= MAX_HIDDEN * area
    if covered <= TOUCH * min(area, int(own.sum())):
        return True
    bottom = thing.box[3]
    nearer = layer.bottom > bottom + 2 and bottom < scene.shape[0] - 2 and not layer.on_support
    before = np.zeros_like(own)
    for other in scene.layers:
        before |= other.silhouette(scene.shape)
    hidden = int((thing.mask & (own | before)).sum())
    return nearer and thing.certain and covered <= MAX_HIDDEN * area and hidden <= MAX_HIDDEN_IN_ALL * area


def _apart(layer: Layer, own: Mask, other: Layer, scene: Scene) -> bool:
    """Whether two pasted objects hide each other within the limit."""
    its = other.silhouette(scene.shape)
    shared = int((own & its).sum())
    if shared == 0:
        return True
    if layer.on_support != other.on_support or layer.bottom == other.bottom:
        return False
    behind = own if layer.bottom < other.bottom else its
    return shared <= MAX_HIDDEN * int(behind.sum())
