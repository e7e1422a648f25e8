"""DAAM (arXiv 2210.04885): masks from the attention of Stable Diffusion, without training."""

from __future__ import annotations

from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.family import TrainedFamily
from mdsm_ros.models.stable_diffusion.config import TINY

DAAM_SD15 = DAAMConfig(as_published=True)
DAAM_TINY = DAAMConfig(checkpoint="runs/ldm-tiny/model", sizes=TINY, image_size=128)

FAMILY = TrainedFamily(
    name="daam",
    config_type=DAAMConfig,
    network="mdsm_ros.models.daam.network:DAAM",
    presets={"daam-sd15": DAAM_SD15, "daam-tiny": DAAM_TINY},
    load_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:load_tokenizer",
    load_encoders="mdsm_ros.checkpoints.diffusion_checkpoint:load_encoders",
    blank_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:blank_clip_tokenizer",
)
