from __future__ import annotations

import numpy as np
import pytest

from mdsm_ros.metrics import intersection_union, iou, summarize

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
