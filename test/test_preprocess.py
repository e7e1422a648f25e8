from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mdsm_ros.inference.backends.numpy_backend import NumpyBackend
from mdsm_ros.inference.preprocess import (
    Region,
    input_size,
    least_logit,
    region_of,
    resize_image,
    to_image_grid,
    to_image_mask,
    to_model_input,
)


def test_model_input_keeps_colours_and_sides_apart() -> None:
    image = np.zeros((30, 50, 3), dtype=np.uint8)
    image[:, :25] = (255, 0, 0)  # left: red
    image[:, 25:] = (0, 0, 255)  # right: blue
    pixels = to_model_input(image, 32)
    assert pixels.shape == (1, 3, 32, 32)
    assert pixels.dtype == torch.float32
    assert pixels[0, :, 16, 4].tolist() == [1.0, 0.0, 0.0]
    assert pixels[0, :, 16, 28].tolist() == [0.0, 0.0, 1.0]


def test_each_value_of_a_pixel_is_divided_by_255_as_pytorch_does_it() -> None:
    image = np.arange(256 * 3, dtype=np.uint16).reshape(16, 16, 3).astype(np.uint8)
    expected = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0).float() / 255
    pixels = to_model_input(image, 16)
    assert torch.equal(pixels, expected)
    assert pixels.stride() == expected.stride()  # convolutions round in the order of the memory


def test_an_image_of_the_model_s_size_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(resize_image(image, 32), image)


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    inner = to_model_input(stripes, 32)[0, :, 4:-4, 4:-4]
    assert inner.mean().item() == pytest.approx(0.5, abs=0.02)
    assert inner.std().item() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (3000, 4000)])
def test_any_image_size_goes_in_and_comes_back(size: tuple[int, int]) -> None:
    pixels = to_model_input(np.full((*size, 3), 128, dtype=np.uint8), 64)
    assert pixels.shape == (1, 3, 64, 64)
    probability = to_image_grid(torch.zeros(1, 1, 16, 16), *size)
    assert probability.shape == (1, *size)
    assert torch.equal(probability, torch.full((1, *size), 0.5))


def test_masks_come_back_to_where_the_pixels_were() -> None:
    image = np.zeros((120, 200, 3), dtype=np.uint8)
    image[30:90, 50:100] = 255
    white = to_model_input(image, 64)[:, :1]
    mask = to_image_grid(20 * (white - 0.5), 120, 200)[0].numpy() > 0.5
    assert np.mean(mask != (image[..., 0] > 0)) < 0.02


def test_half_precision_logits_are_interpolated_in_full_precision() -> None:
    assert to_image_grid(torch.randn(2, 1, 8, 8).half(), 5, 6).dtype == torch.float32


@pytest.mark.parametrize(
    ("image", "expected"),
    [((480, 640), (800, 1067)), ((1920, 1080), (1067, 600)), ((9, 9), (1067, 1067)), ((1, 3000), (267, 1067))],
)
def test_aspects_are_kept_up_to_four_to_one(image: tuple[int, int], expected: tuple[int, int]) -> None:
    assert input_size(*image, 1067, keep_aspect=True) == expected
    assert input_size(*image, 1067) == (1067, 1067)


@pytest.mark.parametrize("size", [(120, 200), (200, 120), (20, 400)])
def test_masks_come_back_from_a_grid_of_the_image_s_aspect(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    image[size[0] // 4 : size[0] // 2, size[1] // 4 :] = 255
    white = to_model_input(image, 128, keep_aspect=True)[:, :1]
    assert max(white.shape) == 128
    mask = to_image_grid(20 * (white - 0.5), *size)[0].numpy() > 0.5
    assert np.mean(mask != (image[..., 0] > 0)) < 0.02


@pytest.mark.parametrize("threshold", [0.0, 1e-6, 0.05, 0.5, 0.6, 0.999, 1.0])
def test_a_mask_is_where_the_probability_reaches_the_threshold(threshold: float) -> None:
    middle = float(np.log(threshold / (1 - threshold))) if 0 < threshold < 1 else 0.0
    for spread in (1e-4, 4.0):  # close to the threshold, where rounding counts, and far from it
        logits = middle + spread * torch.randn(2, 1, 20, 20, generator=torch.Generator().manual_seed(0))
        probability = to_image_grid(logits, 123, 457).numpy()
        assert np.array_equal(to_image_mask(logits, 123, 457, threshold).numpy(), probability >= threshold)
    least = torch.full((64,), least_logit(threshold))
    assert bool((least.sigmoid() >= np.float32(threshold)).all())
    if threshold > 0.0:
        assert bool((torch.nextafter(least, torch.tensor(-200.0)).sigmoid() < np.float32(threshold)).all())


@pytest.mark.parametrize("grid", [(80, 80), (40, 40), (60, 80)])
@pytest.mark.parametrize("size", [(480, 640), (1080, 1920), (267, 400), (30, 44), (7, 5)])
def test_a_mask_is_resized_only_where_it_can_be_and_is_the_same(grid: tuple[int, int], size: tuple[int, int]) -> None:
    """Against the whole grid; only pixels at the threshold may differ, by the rounding of their places."""
    random = np.random.default_rng(0)
    for top, left, bottom, right in ((0, 0, 1, 1), (5, 7, 20, 12), (39, 30, 40, 40), (0, 0, 40, 40), (3, 3, 3, 3)):
        logits = random.normal(-6, 1, (1, 1, *grid)).astype(np.float32)
        logits[..., top:bottom, left:right] += 10
        probability = to_image_grid(torch.from_numpy(logits), *size).numpy()
        certain = np.abs(probability - 0.5) > 1e-4
        assert certain.mean() > 0.99
        for mask in (
            to_image_mask(torch.from_numpy(logits), *size, 0.5).numpy(),
            NumpyBackend("cpu").masks(logits, *size, 0.5),
        ):
            assert mask.shape == probability.shape
            assert np.array_equal(mask[certain], (probability >= 0.5)[certain])
            assert mask.any() == bool((probability >= 0.5).any())


def test_the_region_of_a_mask() -> None:
    marked = np.zeros((80, 80), dtype=bool)
    assert region_of(marked, 480, 640) is None
    marked[10:12, 0] = True
    region = region_of(marked, 480, 640)
    assert region == Region(slice(9, 13), slice(0, 2), slice(54, 78), slice(0, 16))
    assert region_of(marked, 1080, 640) == Region(slice(8, 14), slice(0, 2), slice(108, 189), slice(0, 16))


def test_images_of_usual_cameras_up_to_640x480_stay_as_they_are_for_the_embedded_model() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    for image in (pixels, pixels.transpose(1, 0, 2).copy()):
        expected = np.asarray(Image.fromarray(image).resize((320, 320), Image.Resampling.BILINEAR))
        assert np.array_equal(resize_image(image, 320), expected)


def test_a_large_image_is_halved_before_it_is_resized() -> None:
    rows, columns = np.indices((960, 1280))
    image = np.stack([rows // 4, columns // 5, (rows + columns) // 9], axis=2).astype(np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(resize_image(image, 64).astype(int) - expected).max() <= 1
    small = np.random.default_rng(0).integers(0, 256, (143, 400, 3), dtype=np.uint8)  # one half would be too small
    expected = np.asarray(Image.fromarray(small).resize((64, 64), Image.Resampling.BILINEAR))
    assert np.array_equal(resize_image(small, 64), expected)
