"""Masks carried by optical flow: motion, occlusion, leaving, coming back, cuts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from recordings import CUP, Recorder, Reds, replay

from mdsm_ros.dataset.metrics import iou
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.inference.tracking.flow_carrier import FlowCarrier
from mdsm_ros.inference.tracking.tracker import TrackedMask, Tracker

HEIGHT, WIDTH = 240, 320
PERIOD = 66_666_667  # ns, 15 Hz
SIZE = 60  # pixels of the target


def texture(seed: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """Smooth random colours."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX), dtype=np.uint8)


BACKGROUND, TARGET, OCCLUDER = texture(1), texture(2, SIZE, SIZE), texture(3, 120, 100)


def paste(image: NDArray[np.uint8], patch: NDArray[np.uint8], x: int, y: int) -> NDArray[np.bool_]:
    """Lays a patch over an image, as far as it fits; returns where it shows."""
    height, width = patch.shape[:2]
    left, top, right, bottom = max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)
    shown = np.zeros((HEIGHT, WIDTH), bool)
    if left < right and top < bottom:
        image[top:bottom, left:right] = patch[top - y : bottom - y, left - x : right - x]
        shown[top:bottom, left:right] = True
    return shown


def scene(x: int, y: int = 90, occluder: int | None = None) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """An image with the target at x, y, and its true mask."""
    image = BACKGROUND.copy()
    mask = paste(image, TARGET, x, y)
    if occluder is not None:
        mask &= ~paste(image, OCCLUDER, occluder, 60)
    return image, mask


def answer(mask: NDArray[np.bool_]) -> Segmentation:
    return Segmentation(mask, mask.astype(np.float32), None, 0.9, bool(mask.any()), "refined", {"total": 1.0})


def tracker_at(x: int, y: int = 90) -> Tracker:
    """A tracker that has seen image 0 and the answer to it."""
    tracker = Tracker(FlowCarrier())
    image, mask = scene(x, y)
    assert tracker.advance(0, image) is None
    tracker.answer(0, image, answer(mask))
    return tracker


def advance(tracker: Tracker, number: int, image: NDArray[np.uint8]) -> TrackedMask | None:
    return tracker.advance(number * PERIOD, image)


def test_a_mask_follows_its_target() -> None:
    tracker = tracker_at(40)
    for number in range(1, 16):
        image, truth = scene(40 + 6 * number, 90 + number)
        tracked = advance(tracker, number, image)
        assert tracked is not None
        assert iou(tracked.mask, truth) > 0.6
        assert tracked.age == pytest.approx(number / 15, abs=1e-6)
        assert tracked.segmentation().stage == "tracked"
        assert tracked.segmentation().present


def test_masks_have_the_size_of_the_image() -> None:
    image, mask = scene(100)
    for size in ((333, 250), (1000, 700), (40, 30), (9, 7)):
        large = np.asarray(cv2.resize(image, size))
        large_mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        tracker = Tracker(FlowCarrier())
        tracker.advance(0, large)
        tracker.answer(0, large, answer(large_mask))
        tracked = advance(tracker, 1, large)
        assert tracked is not None
        assert tracked.mask.shape == size[::-1]
        assert iou(tracked.mask, large_mask) > 0.9


@pytest.mark.parametrize("seen", [True, False])
def test_an_answer_is_carried_from_its_own_image_to_the_newest(seen: bool) -> None:
    tracker = Tracker(FlowCarrier())
    first, mask = scene(40)
    if seen:
        advance(tracker, 0, first)
    for number in range(1, 6):
        assert advance(tracker, number, scene(40 + 4 * number)[0]) is None
    tracker.answer(0, first, answer(mask))
    image, truth = scene(64)
    tracked = advance(tracker, 6, image)
    assert tracked is not None
    assert iou(tracked.mask, truth) > 0.85
    assert tracked.age == pytest.approx(0.4, abs=1e-6)


def test_the_next_answer_corrects_the_mask() -> None:
    image, mask = scene(100)
    tracker = Tracker(FlowCarrier())
    advance(tracker, 0, image)
    tracker.answer(0, image, answer(np.roll(mask, 30, axis=1)))
    wrong = advance(tracker, 1, image)
    tracker.answer(PERIOD, image, answer(mask))
    right = advance(tracker, 2, image)
    assert wrong is not None
    assert right is not None
    assert iou(wrong.mask, mask) < 0.5
    assert iou(right.mask, mask) > 0.95
    tracker.answer(2 * PERIOD, image, answer(np.zeros_like(mask)))
    assert advance(tracker, 3, image) is None


def test_an_answer_to_an_image_that_comes_later_waits_for_it() -> None:
    tracker = tracker_at(40)
    image, mask = scene(52)
    tracker.answer(2 * PERIOD, image, answer(mask))
    assert advance(tracker, 1, scene(46)[0]) is None  # the answer to image 0 was replaced before it was carried
    tracked = advance(tracker, 2, image)
    assert tracked is not None
    assert tracked.age == 0
    assert iou(tracked.mask, mask) > 0.99


def test_a_target_that_leaves_has_no_mask_when_it_or_another_thing_comes() -> None:
    tracker = tracker_at(200)
    drops, masks = [], []
    for number in range(1, 40):
        x = 200 + 8 * number if number < 20 else 352 - 8 * (number - 19)  # out by 320, then back
        image, truth = scene(x)
        tracked = advance(tracker, number, image)
        drops.append(tracker.drop)
        if tracked is not None:
            masks.append(number)
            assert np.count_nonzero(tracked.mask & ~truth) < 0.05 * SIZE**2
    assert masks == list(range(1, max(masks) + 1))
    assert 11 <= max(masks) <= 15  # it has left at 15
    assert len([drop for drop in drops if drop is not None]) == 1
    tracker.answer(39 * PERIOD, image, answer(truth))
    back = advance(tracker, 40, image)
    assert back is not None
    assert iou(back.mask, truth) > 0.95


def test_what_covers_the_target_gets_no_mask() -> None:
    tracker = tracker_at(120)
    for number in range(1, 26):
        image, truth = scene(120, occluder=12 * number - 100)  # from the left over all of it, and away
        tracked = advance(tracker, number, image)
        if tracked is not None:
            outside = np.count_nonzero(tracked.mask & ~truth)
            assert outside < 0.05 * SIZE**2
    assert tracker.drop is None
    assert tracked is None  # it was covered: the next answer has to say that it is there


def test_a_cut_ends_the_mask() -> None:
    tracker = tracker_at(120)
    assert advance(tracker, 1, scene(123)[0]) is not None
    assert advance(tracker, 2, texture(9)) is None
    assert tracker.drop in ("inconsistent flow", "changed appearance", "out of sight")
    assert advance(tracker, 3, texture(9)) is None
    assert tracker.drop is None  # it is told once


def test_exposure_and_noise_do_not_end_the_mask() -> None:
    tracker = tracker_at(120)
    rng = np.random.default_rng(0)
    for number in range(1, 10):
        image, truth = scene(120 + 3 * number)
        noisy = np.clip(image * (1 + 0.03 * number) + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)
        tracked = advance(tracker, number, noisy)
        assert tracked is not None
        assert iou(tracked.mask, truth) > 0.75


def test_stamps_or_sizes_that_change_begin_a_new_stream() -> None:
    image = scene(120)[0]
    tracker = tracker_at(120)
    assert advance(tracker, 1, image) is not None
    assert advance(tracker, 1, image) is None
    tracker = tracker_at(120)
    assert advance(tracker, 1, image[:200]) is None
    tracker = tracker_at(120)
    tracker.release()
    assert advance(tracker, 1, image) is None


# -- on a recording ----------------------------------------------------------------------------------------------------


TRACKED_ROW = "an answer every 0.3 s, tracked between"


def passing(number: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Image and true mask of a target that jumps out of view after 20 images."""
    return scene(40 + 3 * number if number < 20 else WIDTH + 10)


class Seer(Reds):
    """Answers the images of ``passing`` one after the other with their true masks."""

    name = "seer"

    def __init__(self) -> None:
        super().__init__()
        self._masks = (passing(number)[1] for number in range(30))

    def stream(self, image: NDArray[np.uint8], instruction: str, settings: InferenceSettings) -> Iterator[Segmentation]:
        yield answer(next(self._masks))


def test_a_replay_tells_what_tracking_gives(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "bag")
    recorder.say(CUP, 0.5)
    for number in range(30):
        image, mask = passing(number)
        recorder.tell(mask, 1 + number / 15, 1 + number / 15)
        recorder.show(image, 1 + number / 15)
    metrics = replay(recorder.close(), tmp_path / "out", Seer(), track=0.3, write_bag=False)
    every, tracked = metrics["tracking"]["every image answered"], metrics["tracking"][TRACKED_ROW]
    assert every["images with the target"] == tracked["images with the target"] == 20
    assert every["with a mask"] == 1.0
    assert every["mIoU (no mask: 0)"] == 1.0
    # the first answer is there before image 5, and is of image 0
    assert tracked["with a mask"] == pytest.approx(16 / 20)
    assert tracked["with a mask after the first answer"] == 1.0
    assert tracked["mIoU of the masks"] > 0.8
    assert tracked["masks beside the target"] == 0
    assert metrics["masks dropped"] != {}
    assert "tracking" in (tmp_path / "out" / "report.html").read_text()
