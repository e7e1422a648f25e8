from __future__ import annotations

import numpy as np
import pytest

from mdsm_ros.dataset.metrics import (
    CALIBRATION_BINS,
    area_under_roc,
    calibration_counts,
    covered_instances,
    expected_calibration_error,
    intersection_union,
    iou,
    rejected_at,
    summarize,
    summarize_instances,
)

LEFT = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], dtype=bool)
MIDDLE = np.array([[0, 1, 1, 0], [0, 1, 1, 0]], dtype=bool)
EMPTY = np.zeros((2, 4), dtype=bool)


def test_intersection_and_union_are_counted_in_pixels() -> None:
    assert intersection_union(LEFT, MIDDLE) == (2, 6)
    assert intersection_union(LEFT, EMPTY) == (0, 4)


def test_iou() -> None:
    assert iou(LEFT, LEFT) == 1.0
    assert iou(LEFT, MIDDLE) == pytest.approx(1 / 3)
    assert iou(EMPTY, EMPTY) == 0.0


def test_mean_and_overall_iou_differ_when_sizes_do() -> None:
    figures = summarize([(10, 10), (0, 90)])
    assert figures["mIoU"] == pytest.approx(0.5)
    assert figures["oIoU"] == pytest.approx(0.1)


def test_precision_counts_samples_at_the_threshold() -> None:
    figures = summarize([(5, 10), (7, 10), (9, 10), (0, 0)])
    assert [figures[f"P@{t}"] for t in (0.5, 0.6, 0.7, 0.8, 0.9)] == [0.75, 0.5, 0.5, 0.25, 0.25]
    assert figures["mIoU"] == pytest.approx((0.5 + 0.7 + 0.9) / 4)


def test_nothing_to_summarize() -> None:
    assert summarize([]) == {}
    assert summarize([(0, 0)])["oIoU"] == 0.0


def test_calibration_by_hand() -> None:
    probability = np.array([[0.0, 0.05, 0.5], [0.5, 1.0, 0.999]], dtype=np.float32)
    target = np.array([[False, True, True], [False, True, False]])
    counts = calibration_counts(probability, target)
    assert counts.shape == (3, CALIBRATION_BINS)
    assert counts[0].tolist() == [2, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2]
    assert counts[2].tolist() == [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    # the bins say 0.025, 0.5 and 0.9995 where half of their pixels are the target's
    expected = (2 * abs(0.025 - 0.5) + 0 + 2 * abs(0.9995 - 0.5)) / 6
    assert expected_calibration_error(counts) == pytest.approx(expected, abs=1e-6)
    assert expected_calibration_error(counts + counts) == pytest.approx(expected, abs=1e-6)


def test_sure_and_right_is_calibrated() -> None:
    target = np.random.default_rng(0).random((8, 8)) > 0.5
    assert expected_calibration_error(calibration_counts(target.astype(np.float32), target)) == 0


def test_area_under_the_roc_curve_by_hand() -> None:
    positives, negatives = [0.9, 0.5, 0.4], [0.5, 0.1]
    assert area_under_roc(positives, negatives) == pytest.approx((2 + 1.5 + 1) / 6)
    assert area_under_roc(positives, [0.95]) == 0.0
    assert area_under_roc([0.5], [0.5, 0.5]) == 0.5


def test_rejected_at_the_threshold_that_most_targets_reach() -> None:
    seen = [0.1, 0.5, 0.6, 0.6, 0.7, 0.8, 0.8, 0.9, 0.9, 1.0]
    assert rejected_at(seen, [0.0, 0.1, 0.4, 0.5, 0.9], 0.9) == 0.6  # below 0.5
    assert rejected_at(seen, [0.0, 0.1, 0.4, 0.5, 0.9], 1.0) == 0.2
    assert rejected_at([0.3], [0.2], 0.5) == 1.0


def test_an_instance_covers_one_of_the_truth() -> None:
    assert covered_instances([LEFT], [LEFT, MIDDLE]) == 1
    assert covered_instances([MIDDLE, LEFT], [LEFT, MIDDLE]) == 2
    assert covered_instances([LEFT | MIDDLE], [LEFT, MIDDLE]) == 1  # IoU 4 / 6 with both
    assert covered_instances([LEFT | MIDDLE], [LEFT, MIDDLE], threshold=0.7) == 0
    assert covered_instances([LEFT, LEFT], [LEFT]) == 1
    assert covered_instances([], [LEFT]) == 0
    assert covered_instances([LEFT], []) == 0


def test_instance_recall_and_precision_are_over_all_objects() -> None:
    assert summarize_instances([(1, 2, 1), (2, 4, 7)]) == {"instance recall": 0.5, "instance precision": 0.375}
    assert summarize_instances([(0, 2, 0)]) == {"instance recall": 0.0, "instance precision": 0.0}
    assert summarize_instances([]) == {}
