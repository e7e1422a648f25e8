"""Model types by name."""

from __future__ import annotations

from mdsm_ros.hub import HubModel
from mdsm_ros.models.daam import DAAM
from mdsm_ros.models.grounded_diffusion import GroundedDiffusion
from mdsm_ros.models.lavt import LAVT
from mdsm_ros.models.mdsm import MDSM
from mdsm_ros.models.vpd import VPD

MODEL_TYPES: dict[str, type[HubModel]] = {
    "mdsm": MDSM,
    "lavt": LAVT,
    "vpd": VPD,
    "grounded_diffusion": GroundedDiffusion,
    "daam": DAAM,
}
"""Class of every ``model_type`` that a config.json may name."""
