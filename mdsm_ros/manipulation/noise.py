"""The error of a depth camera, and the resulting uncertainty of an object's position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import ParameterError


@dataclass(frozen=True)
class DepthNoise:
    """The error of a depth camera, by distance.

    Attributes:
        coefficient: Standard deviation of one pixel's depth at one metre, in metres; it grows with the square of the
            distance, as for stereo and structured light.
        bias: Standard deviation of the error common to all pixels (the calibration error), as a fraction of the
            distance.
        patch: Number of neighbouring pixels with the same error, both of the depth and of the mask's border.
    """

    coefficient: float = 0.002
    bias: float = 0.002
    patch: float = 16.0

    def __post_init__(self) -> None:
        for name, least in (("coefficient", 0.0), ("bias", 0.0), ("patch", 1.0)):
            value = getattr(self, name)
            if not least <= value < np.inf:
                raise ParameterError(f"depth noise {name} is {value}, expected a number of {least:g} or more")

    @overload
    def sigma(self, depth: float) -> float: ...
    @overload
    def sigma(self, depth: NDArray[np.floating]) -> NDArray[np.floating]: ...
    def sigma(self, depth: float | NDArray[np.floating]) -> float | NDArray[np.floating]:
        """The standard deviation of one pixel's depth in metres."""
        return self.coefficient * depth * depth


def centroid(
    points: NDArray[np.float64],
    probability: NDArray[np.float64],
    left_out: NDArray[np.float64],
    left_out_probability: NDArray[np.float64],
    noise: DepthNoise,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes the centroid of the visible surface and its covariance.

    The covariance is the sum of four independent parts. Border: each patch of pixels belongs to the object with its
    probability p, or not; by the delta method that is sum p (1-p) (x-c)(x-c)^T / (sum p)^2. Pixels of the mask that
    were left out in cleaning count with half their probability. Cleaning: any part of the pixels left out, from none to
    all, may belong to the object; this adds a third of the square of the shift that all of them would cause. Depth:
    each patch has an error along its ray. Bias: all pixels have one error along the centroid's ray.

    Args:
        points: Points in metres, one per pixel, (N, 3).
        probability: Probability that the pixel belongs to the object, above 0, (N,).
        left_out: Points of unused pixels of the mask at about the object's distance, (M, 3).
        left_out_probability: Probabilities of these pixels, (M,).
        noise: Noise of the depth.

    Returns:
        The centroid (3,), weighted by the probability, and its covariance (3, 3) in square metres.
    """
    total = probability.sum()
    center = probability @ points / total
    patch = min(noise.patch, float(len(points)))
    shift = left_out_probability @ (left_out - center) / (total + left_out_probability.sum())
    doubt = np.concatenate([probability, left_out_probability / 2])
    away = np.concatenate([points, left_out]) - center
    away *= (np.sqrt(doubt * (1 - doubt)) / doubt.sum())[:, None]
    along = points / points[:, 2:] * (probability / total * noise.sigma(points[:, 2]))[:, None]
    shared = noise.bias * center
    independent = patch * (away.T @ away + along.T @ along)
    return center, independent + np.outer(shift, shift) / 3 + np.outer(shared, shared)
