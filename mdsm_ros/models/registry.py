"""Model types by name."""

from __future__ import annotations

from mdsm_ros.models.base import HubModel
from mdsm_ros.models.daam.network import DAAM
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.models.lavt.network import LAVT
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.models.vpd.network import VPD

MODEL_TYPES: dict[str, type[HubModel]] = {
    "mdsm": MDSM,
    "lavt": LAVT,
    "vpd": VPD,
    "grounded_diffusion": GroundedDiffusion,
    "daam": DAAM,
}
"""Class of every ``model_type`` that a config.json may name."""
