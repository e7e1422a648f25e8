"""Segmentation metrics as defined in the referring segmentation literature (LAVT, test.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.extras import late

if TYPE_CHECKING:
    from scipy import optimize
else:
    optimize = late("scipy.optimize")

PRECISION_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CALIBRATION_BINS = 15
COVERED = 0.5  # IoU from which an instance of the answer covers one of the truth

Figures = dict[str, float]


def intersection_union(prediction: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[int, int]:
    """The numbers of pixels in both masks and in either mask."""
    return int(np.count_nonzero(prediction & target)), int(np.count_nonzero(prediction | target))


def iou(prediction: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """Intersection over union; 0 if both masks are empty."""
    intersection, union = intersection_union(prediction, target)
    return intersection / union if union else 0.0


def summarize(counts: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Computes mIoU, oIoU and P@X over samples.

    Args:
        counts: Intersection and union of every sample in pixels.

    Returns:
        "mIoU": mean of I/U (0 if U is 0); "oIoU": sum of I over sum of U; "P@0.5" to "P@0.9": fraction of samples with
        IoU at or above the threshold. Empty if there is no sample.
    """
    if not counts:
        return {}
    intersections, unions = np.asarray(counts, dtype=np.float64).T
    ious = np.divide(intersections, unions, out=np.zeros_like(intersections), where=unions > 0)
    result = {"mIoU": float(ious.mean()), "oIoU": float(intersections.sum() / max(unions.sum(), 1.0))}
    return result | {f"P@{t}": float((ious >= t).mean()) for t in PRECISION_THRESHOLDS}


def covered_instances(
    found: Sequence[NDArray[np.bool_]], truth: Sequence[NDArray[np.bool_]], threshold: float = COVERED
) -> int:
    """Number of true instances that an instance of the answer covers; each of the answer covers one.

    Args:
        found: Masks (H, W) of the answer's instances.
        truth: Masks (H, W) of the true instances.
        threshold: Lowest IoU, 0 to 1. From 0.5 on, masks that do not overlap each other have at most one partner.
    """
    ious = np.array([[iou(one, other) for other in truth] for one in found]).reshape(len(found), len(truth))
    rows, columns = optimize.linear_sum_assignment(ious >= threshold, maximize=True)
    return int(np.count_nonzero(ious[rows, columns] >= threshold))


def summarize_instances(counts: Sequence[tuple[int, int, int]]) -> dict[str, float]:
    """Instance recall and precision over samples.

    Args:
        counts: Numbers of covered, true and found instances of every sample.

    Returns:
        "instance recall": covered instances of all samples over those of the truth; "instance precision": over those
        of the answers, 0 where there are none. Empty where there is no sample.
    """
    if not counts:
        return {}
    covered, true, found = np.asarray(counts, dtype=np.float64).sum(axis=0)
    return {"instance recall": float(covered / max(true, 1)), "instance precision": float(covered / max(found, 1))}


def calibration_counts(probability: NDArray[np.float32], target: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Counts how often pixels of each probability belong to the target.

    Args:
        probability: Probability that a pixel belongs to the target, (H, W) in [0, 1].
        target: Mask of the target, (H, W).

    Returns:
        Counts (3, 15): number of pixels, sum of their probabilities, and number in the target, for 15 equal bins of
        probability. Counts of several images can be added.
    """
    bins = np.minimum((probability.ravel() * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
    weights = (None, probability.ravel(), target.ravel())
    return np.stack([np.bincount(bins, weight, CALIBRATION_BINS).astype(np.float64) for weight in weights])


def expected_calibration_error(counts: NDArray[np.float64]) -> float:
    """ECE (arXiv 1706.04599, eq. 3) from :func:`calibration_counts`, of the target's probability."""
    number, confidence, hits = counts
    return float(np.abs(confidence - hits).sum() / number.sum())


def area_under_roc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """The area under the ROC curve: the fraction of pairs in which the positive scores higher; ties count half.

    Args:
        positives: Scores of present targets, at least one.
        negatives: Scores of absent targets, at least one.
    """
    ordered = np.sort(np.asarray(negatives, dtype=np.float64))
    below, up_to = (np.searchsorted(ordered, positives, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(ordered))


def rejected_at(positives: Sequence[float], negatives: Sequence[float], kept: float) -> float:
    """The fraction of negatives below the threshold that the fraction ``kept`` of the positives reaches.

    Args:
        positives: Scores of present targets, at least one.
        negatives: Scores of absent targets, at least one.
        kept: Fraction of the positives, above 0 and at most 1.
    """
    ordered = np.sort(np.asarray(positives, dtype=np.float64))[::-1]
    threshold = ordered[int(np.ceil(kept * len(ordered))) - 1]
    return float((np.asarray(negatives) < threshold).mean())


def figures_table(corner: str, rows: Mapping[str, Figures]) -> str:
    """A Markdown table with one row of metrics per name."""
    columns = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    lines = [f"| {corner} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in rows.items():
        lines.append(f"| {name} | " + " | ".join(format_figure(figures.get(column)) for column in columns) + " |")
    return "\n".join(lines)


def format_figure(value: float | None) -> str:
    """Formats counts (int) and whole numbers above 1 without decimals, others with three; "" for None."""
    if value is None:
        return ""
    whole = isinstance(value, int) or (float(value).is_integer() and abs(value) > 1)
    return f"{value:.0f}" if whole else f"{value:.3f}"
