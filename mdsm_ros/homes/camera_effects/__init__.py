"""Simulates the effects of a camera on an image: lens, sensor, and processing inside the camera.

``apply(rgb, rng)`` draws a camera and takes the image with it; ``Strengths.draw(rng)`` and ``expose`` are the two steps
separately, for a camera that takes many images. The pixel grid is unchanged: nothing is distorted or shifted, so that
masks and depth stay exact. Needs OpenCV; does not depend on homes.
"""

from __future__ import annotations

from mdsm_ros.homes.camera_effects.camera import CAMERAS, apply, expose
from mdsm_ros.homes.camera_effects.strengths import IDEAL, Strengths

__all__ = ["CAMERAS", "IDEAL", "Strengths", "apply", "expose"]
