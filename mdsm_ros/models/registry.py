"""Model types by name."""

from __future__ import annotations

from mdsm_ros.hub import HubModel
from mdsm_ros.models.lavt import LAVT
from mdsm_ros.models.mdsm import MDSM

MODEL_TYPES: dict[str, type[HubModel]] = {"mdsm": MDSM, "lavt": LAVT}
"""Class of every ``model_type`` that a config.json may name."""
