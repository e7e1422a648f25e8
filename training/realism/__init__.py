"""``mdsm-data realism``: whether a network that learned from photographs knows the models of the homes.

``subjects`` lists what is shown, ``studio`` takes pictures of one thing on a plain ground, ``photographs`` cuts things
out of real pictures as a yardstick, and ``score`` counts the fitting classes.
"""

from __future__ import annotations

import os

os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it when it is imported; egl needs no screen
