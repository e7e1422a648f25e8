from __future__ import annotations

import numpy as np
import pytest

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.pictures.overlay import COLOR, draw_overlay


def answer(mask: np.ndarray) -> Segmentation:
    return Segmentation(mask, mask.astype(np.float32), None, 0.87, bool(mask.any()), "refined", {"total": 0.1})


def test_the_mask_is_tinted_and_outlined() -> None:
    image = np.full((240, 320, 3), 100, np.uint8)
    mask = np.zeros((240, 320), bool)
    mask[150:200, 100:180] = True
    result = draw_overlay(image, answer(mask), "get the cup")
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert (image == 100).all()
    tint = result[175, 140]
    assert tint[0] > 100
    assert tint[1] < 100
    assert tuple(result[150, 140]) == tuple(result[175, 100]) == COLOR
    outside = ~mask
    outside[:60] = False  # the caption
    assert (result[outside] == 100).all()


def test_a_target_that_is_not_in_view_leaves_the_picture() -> None:
    image = np.full((240, 320, 3), 100, np.uint8)
    result = draw_overlay(image, answer(np.zeros((240, 320), bool)), "get the cup")
    assert (result[60:] == 100).all()
    assert (result[:20] != 100).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
@pytest.mark.parametrize("instruction", ["get the cup", "x" * 1000, "ソファの上の枕を取って 🏆"])
def test_any_size_and_text(size: tuple[int, int], instruction: str) -> None:
    mask = np.ones(size, bool)
    result = draw_overlay(np.zeros((*size, 3), np.uint8), answer(mask), instruction)
    assert result.shape == (*size, 3)


def test_large_images_have_a_contour_to_match() -> None:
    image, mask = np.zeros((3000, 4000, 3), np.uint8), np.zeros((3000, 4000), bool)
    mask[1000:2000, 1000:3000] = True
    result = draw_overlay(image, answer(mask), "get the cup")
    assert (result[1500, 1000:1010] == COLOR).all()
    assert (result[1500, 1020:2980] != COLOR).any(axis=1).all()


def test_the_text_says_what_was_asked() -> None:
    image, mask = np.zeros((240, 320, 3), np.uint8), np.zeros((240, 320), bool)
    pictures = [draw_overlay(image, answer(mask), text) for text in ("get the cup", "get the book")]
    assert (pictures[0] != pictures[1]).any()
