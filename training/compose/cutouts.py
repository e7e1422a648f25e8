"""Cuts objects out of photographs: checks quality and sharpness, and softens edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.compose.canvas import Mask
from training.compose.look import Look, look_of

MARGIN = 8  # pixels around the object included in the cut-out
BAND = 3  # pixels on both sides of the mask's edge where the true edge is searched
MIN_AGREEMENT = 0.88  # IoU of the refined mask with the annotated one; below it, the annotated one is used
FEATHER = 0.8  # standard deviation of the edge's softness in pixels
CORE = 2  # pixels inside the edge beyond which colours are the object's own
MIN_SHARPNESS = 35.0  # least variance of the Laplacian
BLACK = 20  # of 255; darker pixels contain no detail
MAX_FLAT = 0.5  # fraction of pixels that are black or blown out
MIN_CHROMA = 2.5  # least mean distance from gray in Lab of a colour image

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Cutout:
    """An object cut out of its image.

    Attributes:
        category: Name of the category.
        rgb: Colours (H, W, 3), with the object's own colours beyond its edge.
        alpha: Fraction of each pixel that the object covers, (H, W), 0 to 255.
        look: Brightness, colour and noise of the source image, around the object.
        origin: The image's file and the object's annotation id.
        metres: Length of the longer side in metres, if known.
    """

    category: str
    rgb: Picture
    alpha: NDArray[np.uint8]
    look: Look
    origin: str
    metres: float | None = None


def cut_out(rgb: Picture, mask: Mask, category: str, origin: str) -> Cutout | str:
    """Cuts an object out of an image.

    Args:
        rgb: Image (H, W, 3).
        mask: Mask of the object (H, W).
        category: Category of the object.
        origin: Source of the object.

    Returns:
        The cut-out, or the reason why the object cannot be used.
    """
    top, bottom, left, right = _box(mask)
    window = (slice(max(0, top - MARGIN), bottom + MARGIN), slice(max(0, left - MARGIN), right + MARGIN))
    crop, inside = np.ascontiguousarray(rgb[window]), np.ascontiguousarray(mask[window])
    look = look_of(rgb, ~mask)
    fault = "without colour" if look.chroma < MIN_CHROMA else _fault(crop, inside)
    if fault is not None:
        return fault
    refined = _refined(crop, inside)
    alpha = _feathered(refined)
    colours = _own_colours(crop, refined)
    top, bottom, left, right = _box(alpha > 0)
    box = (slice(top, bottom), slice(left, right))
    return Cutout(
        category=category,
        rgb=np.ascontiguousarray(colours[box]),
        alpha=np.ascontiguousarray(alpha[box]),
        look=look,
        origin=origin,
    )


def _box(mask: Mask) -> tuple[int, int, int, int]:
    """Returns top, bottom, left, right of a mask; bottom and right are one past the last pixel."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _fault(rgb: Picture, mask: Mask) -> str | None:
    """Returns why an object's pixels are not good enough; None if they are."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    if not inner.any():
        return "thin"
    if cv2.Laplacian(gray, cv2.CV_32F)[inner].var() < MIN_SHARPNESS:
        return "blurred"
    if float(((gray < BLACK) | (gray > 250))[inner].mean()) > MAX_FLAT:
        return "black or blown out"
    return None


def _refined(rgb: Picture, mask: Mask) -> Mask:
    """Moves the edge of the mask to a nearby change of colours."""
    values = mask.astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND + 1, 2 * BAND + 1))
    labels = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8, order="C")
    labels[cv2.erode(values, kernel) == 1] = cv2.GC_FGD
    labels[cv2.dilate(values, kernel) == 0] = cv2.GC_BGD
    if not ((labels == cv2.GC_FGD).any() and (labels == cv2.GC_BGD).any()):
        return mask
    cv2.setRNGSeed(0)  # GrabCut initialises its clusters at random
    cv2.grabCut(rgb, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    found = largest_piece(cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(bool))
    agreement = (found & mask).sum() / max(1, (found | mask).sum())
    return found if agreement >= MIN_AGREEMENT else mask


def largest_piece(mask: Mask) -> Mask:
    """Returns the largest connected piece of a mask (H, W)."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if len(stats) <= 2:
        return mask
    return np.asarray(labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))


def _feathered(mask: Mask) -> NDArray[np.uint8]:
    """Returns soft opacity (H, W), 0 outside the mask; edges at the array's border are not softened."""
    padded = np.pad(mask, 4, mode="edge").astype(np.uint8)
    inner = cv2.erode(padded, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) * np.uint8(255)
    soft = cv2.GaussianBlur(inner, (0, 0), FEATHER)[4:-4, 4:-4]
    return np.where(soft < 5, 0, soft).astype(np.uint8)


def _own_colours(rgb: Picture, mask: Mask) -> Picture:
    """Replaces colours (H, W, 3) at and beyond the edge by the object's own, so that no old background is visible."""
    padded = np.pad(mask, CORE, mode="edge").astype(np.uint8)
    size = 2 * CORE + 1
    core = cv2.erode(padded, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))[CORE:-CORE, CORE:-CORE]
    if not core.any():
        return rgb
    _, nearest = cv2.distanceTransformWithLabels(1 - core, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(core)
    order = nearest[rows, columns]
    source = np.zeros((int(nearest.max()) + 1, 3), np.uint8)
    source[order] = rgb[rows, columns]
    filled = source[nearest]
    smooth = cv2.GaussianBlur(filled, (0, 0), 1.0)
    weight = cv2.GaussianBlur(core.astype(np.float32), (0, 0), 0.7)[..., None] * core[..., None]
    return np.where(core[..., None] == 1, rgb, (weight * rgb + (1 - weight) * smooth)).astype(np.uint8)
