"""Grounded Diffusion (arXiv 2301.05221): a module that segments images by the features of Stable Diffusion."""

from __future__ import annotations

from mdsm_ros.models.family import TrainedFamily
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.stable_diffusion.config import TINY

GROUNDED_DIFFUSION_SD15 = GroundedDiffusionConfig(grounding_as_published=True)
GROUNDED_DIFFUSION_TINY = GroundedDiffusionConfig(
    checkpoint="runs/ldm-tiny/model",
    sizes=TINY,
    image_size=64,
    grounding_channels=(8, 16, 32, 64),
    grounding_norm="group",
    grounding_patch=2,
    grounding_dim=128,
    grounding_num_heads=4,
    grounding_feedforward=512,
)

FAMILY = TrainedFamily(
    name="grounded_diffusion",
    config_type=GroundedDiffusionConfig,
    network="mdsm_ros.models.grounded_diffusion.network:GroundedDiffusion",
    presets={"grounded-diffusion-sd15": GROUNDED_DIFFUSION_SD15, "grounded-diffusion-tiny": GROUNDED_DIFFUSION_TINY},
    load_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:load_tokenizer",
    load_encoders="mdsm_ros.checkpoints.diffusion_checkpoint:load_encoders",
    blank_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:blank_clip_tokenizer",
)
