"""Procedural homes, rendered with MuJoCo (extra ``sim``).

``layout.build_home(seed)`` furnishes rooms, and ``generate`` makes dataset samples of them. ``shapes`` contains the
parts that items are built of, ``kinds`` the categories of items and types of rooms. ``furnishing`` chooses and makes
the items of a room, and ``looks`` adds light and photographic surfaces. ``views`` puts a camera into a room
(``views.scene.RoomRenderer``) and finds what is visible (``views.seen.look``); ``camera_effects`` adds the flaws of a
real camera. ``speech`` makes instructions about visible items (``speech.instructions.Speaker``), with the words of
``words``.
"""

from __future__ import annotations

import os

from mdsm_ros.homes.kinds.fixtures import FIXTURES
from mdsm_ros.homes.kinds.furniture import FURNITURE
from mdsm_ros.homes.kinds.library_kinds import LIBRARY_KINDS
from mdsm_ros.homes.kinds.objects import OBJECTS

os.environ.setdefault("MUJOCO_GL", "egl")  # MuJoCo reads it at import; egl needs no screen

PROCEDURAL_CATEGORIES = (*OBJECTS, *FURNITURE, *FIXTURES)
"""Names of what can be asked for in homes without the library."""

CATEGORIES = tuple(dict.fromkeys((*PROCEDURAL_CATEGORIES, *LIBRARY_KINDS)))
"""Names of everything that can be asked for, in the order of their category ids; the same with and without library."""
