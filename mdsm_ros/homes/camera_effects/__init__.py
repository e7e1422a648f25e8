"""What a camera does to a picture: lens, sensor, and the processing inside the camera.

``apply(rgb, rng)`` draws a camera and takes the picture with it; ``Strengths.draw(rng)`` and ``expose`` are the two
steps apart, for a camera that takes many pictures. The pixel grid stays: nothing is distorted or shifted, so that
masks and depth of the picture stay exact. Needs OpenCV; knows nothing of homes.
"""

from __future__ import annotations

from mdsm_ros.homes.camera_effects.camera import CAMERAS, apply, expose
from mdsm_ros.homes.camera_effects.strengths import IDEAL, Strengths

__all__ = ["CAMERAS", "IDEAL", "Strengths", "apply", "expose"]
