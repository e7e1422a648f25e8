"""Objects one by one: masks split into their parts, and their ids in an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.instances import Instance, distinct, label_image, main_part, split_instances
from mdsm_ros.inference.tracking.tracker import TrackedMask

SHAPE = (60, 80)


def rectangle(x: int, y: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


CUP, PLATE, CRUMB = rectangle(5, 10, 10, 12), rectangle(40, 20, 20, 15), rectangle(70, 50, 2, 2)
UNSURE = np.where(PLATE, 0.9, np.where(CUP, 0.6, 0.1)).astype(np.float32)


def answer(mask: np.ndarray, **others: object) -> Segmentation:
    return Segmentation(mask, UNSURE, None, 0.75, bool(mask.any()), "refined", {"total": 0.1}, **others)  # type: ignore[arg-type]


def test_the_parts_of_a_mask_come_the_surest_first_without_crumbs() -> None:
    plate, cup = split_instances(CUP | PLATE | CRUMB, UNSURE)
    assert np.array_equal(plate.mask, PLATE)
    assert np.array_equal(cup.mask, CUP)
    assert (plate.box, plate.area, cup.box, cup.area) == ((40, 20, 20, 15), 300, (5, 10, 10, 12), 120)
    assert (plate.score, cup.score) == pytest.approx((0.9, 0.6))
    assert plate.mask.dtype == bool


def test_how_small_a_crumb_is_can_be_said() -> None:
    assert len(split_instances(CUP | PLATE | CRUMB, UNSURE, least_of_image=0, least_of_largest=0)) == 3
    assert len(split_instances(CUP | PLATE | CRUMB, UNSURE, least_of_largest=0.5)) == 1
    assert len(split_instances(CUP | PLATE | CRUMB, UNSURE, least_of_image=0.05)) == 1


def test_the_only_part_is_no_crumb_and_an_empty_mask_has_no_part() -> None:
    (only,) = split_instances(CRUMB, UNSURE, least_of_image=0.5)
    assert only.area == 4
    assert split_instances(np.zeros(SHAPE, dtype=bool), UNSURE) == ()


@pytest.mark.parametrize("times", [1, 40])  # 3,200 pixels are labelled at a quarter of their size
def test_the_main_part_stays_with_what_is_near_it(times: int) -> None:
    def large(mask: np.ndarray) -> np.ndarray:
        return mask.repeat(times, axis=0).repeat(times, axis=1)

    near = rectangle(64, 22, 6, 6)  # 4 pixels beside the plate, which is 20 wide
    assert np.array_equal(main_part(large(CUP | PLATE | CRUMB)), large(PLATE))
    assert np.array_equal(main_part(large(PLATE | near | CUP)), large(PLATE | near))


def test_a_mask_of_one_part_and_an_empty_one_stay() -> None:
    for mask in (PLATE, np.zeros(SHAPE, dtype=bool)):
        assert main_part(mask) is mask


def test_pixels_that_touch_at_a_corner_are_one_object() -> None:
    assert len(split_instances(rectangle(10, 10, 5, 5) | rectangle(15, 15, 5, 5), UNSURE)) == 1
    assert len(split_instances(rectangle(10, 10, 5, 5) | rectangle(16, 15, 5, 5), UNSURE)) == 2


def test_what_a_model_found_twice_is_one_object() -> None:
    again = rectangle(40, 20, 20, 14)
    empty = Instance(np.zeros(SHAPE, dtype=bool), 0.99)
    found = distinct([Instance(CUP, 0.5), Instance(again, 0.6), Instance(PLATE, 0.8), empty])
    assert [(one.area, one.score) for one in found] == [(300, 0.8), (120, 0.5)]


def test_a_label_image_has_the_ids_in_order() -> None:
    beside = rectangle(50, 20, 20, 15)
    labels = label_image([Instance(PLATE, 0.8), Instance(beside, 0.7), Instance(CUP, 0.5)], SHAPE)
    assert labels.dtype == np.uint16
    assert labels.shape == SHAPE
    assert np.array_equal(labels == 1, PLATE)
    assert np.array_equal(labels == 2, beside & ~PLATE)
    assert np.array_equal(labels == 3, CUP)
    assert not label_image([], SHAPE).any()


def test_an_answer_about_one_object_has_one_instance_however_many_parts() -> None:
    (one,) = answer(CUP | PLATE).instances
    assert np.array_equal(one.mask, CUP | PLATE)
    assert one.score == 0.75
    assert answer(np.zeros(SHAPE, dtype=bool)).instances == ()


def test_what_was_dropped_stays_with_an_answer_about_another_object() -> None:
    about_plate = answer(PLATE, dropped=CUP)
    assert np.array_equal(about_plate.marked, CUP | PLATE)
    about_cup = about_plate.about(CUP)
    assert np.array_equal(about_cup.mask, CUP)
    assert about_cup.dropped is not None
    assert np.array_equal(about_cup.dropped, PLATE)
    assert answer(PLATE).about(PLATE).dropped is None
    tracked = TrackedMask(CUP, 0.1, about_plate).segmentation()
    assert np.array_equal(tracked.marked, CUP)  # the rest was dropped from an older image's mask


def test_an_answer_about_several_has_the_parts_of_its_mask_or_what_the_model_found() -> None:
    assert [one.area for one in answer(CUP | PLATE, several=True).instances] == [300, 120]
    halves = (Instance(rectangle(40, 20, 10, 15), 0.4), Instance(rectangle(50, 20, 10, 15), 0.9))
    found = answer(PLATE, several=True, found=halves).instances
    assert [one.score for one in found] == [0.9, 0.4]
    assert answer(np.zeros(SHAPE, dtype=bool), several=True, found=halves).instances == ()
    tracked = replace(answer(CUP | PLATE, several=True), stage="tracked", score=0.7)
    assert [(one.area, one.score) for one in tracked.instances] == [(300, 0.7), (120, 0.7)]
    moved = answer(CUP, several=True, found=halves).instances  # as a tracker does
    assert [one.area for one in moved] == [120]
