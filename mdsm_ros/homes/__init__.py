"""Procedural homes, rendered with MuJoCo (extra ``sim``).

``layout.build_home(seed)`` furnishes rooms, ``scene.RoomRenderer`` renders views of one, ``cameras`` chooses where a
robot stands (``camera_path`` walks), ``relations.look`` says what is visible, ``instructions.Speaker`` speaks about
it, and ``generate`` puts them together into dataset samples.
"""

from __future__ import annotations

import os

from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.objects import OBJECTS

os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it when it is imported; egl needs no screen

PROCEDURAL_CATEGORIES = (*OBJECTS, *FURNITURE, *FIXTURES)
"""Names of what can be asked for in homes without the library."""

CATEGORIES = tuple(dict.fromkeys((*PROCEDURAL_CATEGORIES, *LIBRARY_KINDS)))
"""Names of everything that can be asked for, in the order of their category ids; the same with and without library."""
