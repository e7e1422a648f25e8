"""Each effect of the camera does what its name says, and leaves everything where it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from mdsm_ros.homes.camera_effects import IDEAL, Strengths, apply, expose
from mdsm_ros.homes.camera_effects.lens import disc, line
from mdsm_ros.homes.camera_effects.processing import to_light

Picture = NDArray[np.uint8]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def taken(picture: Picture, **strengths: object) -> NDArray[np.float64]:
    return expose(picture, replace(IDEAL, **strengths), rng()).astype(np.float64)  # type: ignore[arg-type]


def gray(level: int = 120) -> Picture:
    return np.full((240, 320, 3), level, dtype=np.uint8)


def edge(column: int = 150) -> Picture:
    """A vertical edge, left of it dark."""
    picture = gray(60)
    picture[:, column:] = 190
    return picture


def checks() -> Picture:
    rows, columns = np.indices((240, 320)) // 8
    colors = np.array([(240, 120, 110), (30, 50, 90)], dtype=np.uint8)
    picture: Picture = colors[(rows + columns) % 2]
    return picture


def sharpness(picture: NDArray[np.float64]) -> float:
    """Energy of the gradient."""
    down, across = np.gradient(picture.mean(axis=2))
    return float((down**2 + across**2).mean())


def place(picture: NDArray[np.float64]) -> float:
    """Column where the light of the mean row crosses the middle between its ends, with fractions."""
    row = to_light(picture.astype(np.uint8)).mean(axis=(0, 2))
    level = (row[10:20].mean() + row[-20:-10].mean()) / 2
    right = int(np.argmax(row > level))
    column: float = right - (row[right] - level) / (row[right] - row[right - 1])
    return column


def test_the_seed_decides() -> None:
    picture = checks()
    ours, same, other = (apply(picture, rng(seed)) for seed in (3, 3, 4))
    assert ours.tobytes() == same.tobytes()
    assert ours.tobytes() != other.tobytes()


@pytest.mark.parametrize("shape", [(240, 320, 3), (97, 131, 3), (32, 32, 3)])
def test_shape_and_type_stay(shape: tuple[int, int, int]) -> None:
    picture = rng().integers(0, 256, shape, dtype=np.uint8)
    before = picture.copy()
    for seed in range(5):
        result = apply(picture, rng(seed))
        assert result.shape == shape
        assert result.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)


def test_an_ideal_camera_changes_nothing() -> None:
    np.testing.assert_array_equal(expose(checks(), IDEAL, rng()), checks())
    almost = taken(checks(), exposure=1e-6)  # through the whole pipeline
    assert np.abs(almost - checks()).max() <= 1


@pytest.mark.parametrize("effect", [{"defocus": 2.0}, {"motion": 6.0}, {"resolution": 0.5}, {"edge_defocus": 2.0}])
def test_blur_takes_sharpness(effect: dict[str, float]) -> None:
    assert sharpness(taken(checks(), **effect)) < 0.8 * sharpness(checks().astype(np.float64))


def test_edges_are_softer_than_the_middle() -> None:
    picture = taken(checks(), edge_defocus=2.0)
    assert sharpness(picture[:40, :40]) < 0.6 * sharpness(picture[100:140, 140:180])


def test_motion_blurs_along_its_line_only() -> None:
    across, along = (sharpness(taken(edge(), motion=8.0, motion_angle=angle)) for angle in (0.0, np.pi / 2))
    assert across < 0.4 * along
    assert along == pytest.approx(sharpness(edge().astype(np.float64)), rel=0.05)


def test_vignette_darkens_the_corners() -> None:
    picture = taken(gray(), vignette=0.5)
    assert picture[:10, :10].mean() < 0.8 * picture[110:130, 150:170].mean()
    assert picture[110:130, 150:170].mean() == pytest.approx(120, abs=1)


def test_white_balance_shifts_red_against_blue() -> None:
    warm, cold = taken(gray(), white_balance=(1.15, 0.87)), taken(gray(), white_balance=(0.87, 1.15))
    assert warm[..., 0].mean() > 1.05 * warm[..., 2].mean()
    assert cold[..., 2].mean() > 1.05 * cold[..., 0].mean()


def test_exposure_clips_the_highlights() -> None:
    over, under = taken(checks(), exposure=1.5), taken(checks(), exposure=-1.5)
    assert (over == 255).mean() > 0.1 > (checks() == 255).mean()
    assert under.mean() < 0.8 * checks().mean() < over.mean()


def test_metering_brings_dark_and_bright_pictures_together() -> None:
    dark, bright = (taken(gray(level), metering=0.8).mean() for level in (70, 190))
    assert bright - dark < 0.5 * (190 - 70)


def test_few_photons_make_noise_and_it_is_stronger_in_the_light() -> None:
    noisy, less = (taken(gray(), photons=photons) for photons in (300, 10_000))
    assert noisy.std() > 2 * less.std() > 0
    light = [np.square(taken(gray(level), photons=300) / 255).std() for level in (60, 200)]  # squared: about linear
    assert light[1] > 1.5 * light[0]
    assert noisy.mean() == pytest.approx(120, abs=2)
    plain, blotched = (taken(gray(), photons=300, color_noise=level) for level in (0.0, 1.0))
    assert np.ptp(blotched, axis=2).mean() > 1.2 * np.ptp(plain, axis=2).mean()
    grained = taken(gray(), photons=300, noise_grain=0.9)
    assert sharpness(grained) < 0.5 * sharpness(noisy)
    assert taken(gray(0), photons=300, read_noise=0.02).std() > taken(gray(0), photons=300).std() == 0


def test_sharpening_leaves_a_halo() -> None:
    halo = taken(edge(), sharpening=0.8)
    assert halo.max() > 195
    assert halo.min() < 55


def test_tone_and_colour() -> None:
    flat, hard = taken(edge(), contrast=-0.2), taken(edge(), contrast=0.6)
    assert np.ptp(hard) > np.ptp(edge()) > np.ptp(flat)
    assert taken(gray(0), haze=0.1).mean() == pytest.approx(25, abs=1)
    pale, bright = (np.ptp(taken(checks(), saturation=s), axis=2).mean() for s in (0.5, 1.2))
    assert pale < 0.7 * bright


def test_aberration_fringes_the_outer_edges_by_less_than_half_a_pixel() -> None:
    picture = taken(edge(290), aberration=(0.01, -0.01))
    red, green, blue = (place(np.repeat(picture[..., i : i + 1], 3, axis=2)) for i in range(3))
    assert green == pytest.approx(place(edge(290).astype(np.float64)), abs=0.05)
    assert 0.1 < red - green < 0.5
    assert 0.1 < green - blue < 0.5


def test_jpeg_loses_more_at_a_lower_quality() -> None:
    noisy = np.repeat(rng().integers(0, 256, (64, 64, 1), dtype=np.uint8), 3, axis=2)
    bad, good = (np.abs(taken(noisy, jpeg_quality=quality) - noisy).mean() for quality in (30, 95))
    assert bad > 1.5 * good > 0


@pytest.mark.parametrize("column", [60, 160, 270])
def test_nothing_moves(column: int) -> None:
    """An edge stays within half a pixel whatever the lens; a tone curve alone makes bright things look larger."""
    tone: dict[str, float] = {"photons": 0.0, "vignette": 0.0, "contrast": 0.0, "metering": 0.0, "exposure": 0.0}
    truth = place(edge(column).astype(np.float64))
    for seed in range(25):
        strengths = replace(Strengths.draw(rng(seed)), **tone)  # type: ignore[arg-type]
        assert place(expose(edge(column), strengths, rng(seed)).astype(np.float64)) == pytest.approx(truth, abs=0.5)
        turned = np.ascontiguousarray(edge(column).swapaxes(0, 1))
        result = expose(turned, strengths, rng(seed)).swapaxes(0, 1)
        assert place(result.astype(np.float64)) == pytest.approx(truth, abs=0.5)


@pytest.mark.parametrize("size", [0.3, 0.8, 1.7, 5.2])
def test_kernels_are_centred(size: float) -> None:
    for kernel in (disc(size), line(size, 0.4)):
        assert kernel.sum() == pytest.approx(1)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-7)


def test_drawn_cameras_are_mostly_good() -> None:
    drawn = [Strengths.draw(rng(seed)) for seed in range(400)]
    assert np.median([s.defocus for s in drawn]) < 0.7
    assert max(s.defocus for s in drawn) > 1.5
    assert np.mean([s.motion == 0 for s in drawn]) > 0.5
    assert all(30 <= s.jpeg_quality <= 95 for s in drawn)
    assert np.mean([abs(s.exposure) < 0.6 for s in drawn]) > 0.7
