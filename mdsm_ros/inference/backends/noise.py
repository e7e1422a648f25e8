"""PyTorch's normal random numbers on a CPU, without PyTorch: a seed means the same refined mask everywhere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BLOCK = 16  # numbers that are made together
MANTISSA = 24  # bits of a uniform number


class NoiseGenerator:
    """Draws what ``torch.randn`` draws with ``torch.Generator().manual_seed(seed)``, to rounding.

    Args:
        seed: Seed, 0 or more.
    """

    def __init__(self, seed: int) -> None:
        self._words = np.random.RandomState(seed & 0xFFFFFFFF)  # the same Mersenne Twister, seeded in the same way

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normal numbers.

        Args:
            shape: Shape of the result, with a multiple of 16 elements; PyTorch draws other numbers in another way.

        Raises:
            ValueError: The number of elements is no multiple of 16.
        """
        number = math.prod(shape)
        if number % BLOCK:
            raise ValueError(f"shape is {shape}, expected a multiple of {BLOCK} elements")
        words = self._words.randint(0, 2**32, number, dtype=np.uint32)
        fractions = (words & (2**MANTISSA - 1)).astype(np.float32) * np.float32(2.0**-MANTISSA)
        uniform = fractions.reshape(-1, 2, BLOCK // 2)
        radius = np.sqrt(
            -2 * np.log(1 - uniform[:, :1])
        )  # Box and Muller: each pair of numbers is a point in the plane
        angle = np.float32(2 * math.pi) * uniform[:, 1:]
        points = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return points.reshape(shape).astype(np.float32)
