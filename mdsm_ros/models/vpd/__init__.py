"""VPD (arXiv 2303.02153): masks from the features of Stable Diffusion."""

from __future__ import annotations

from mdsm_ros.models.family import Conversion, Entry, Repository, TrainedFamily
from mdsm_ros.models.stable_diffusion.config import CHECKPOINT_FILES, SD15_CHECKPOINT, TINY
from mdsm_ros.models.vpd.config import VPDConfig

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

FAMILY = TrainedFamily(
    name="vpd",
    config_type=VPDConfig,
    network="mdsm_ros.models.vpd.network:VPD",
    presets={"vpd-sd15": VPD_SD15, "vpd-tiny": VPD_TINY},
    load_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:load_tokenizer",
    load_encoders="mdsm_ros.checkpoints.diffusion_checkpoint:load_encoders",
    blank_tokenizer="mdsm_ros.checkpoints.diffusion_checkpoint:blank_clip_tokenizer",
    origins={
        "stable-diffusion-1.5": Entry(
            "Stable Diffusion, start of the training of VPD",
            "CreativeML OpenRAIL-M",
            4270,
            (Repository(SD15_CHECKPOINT, files=CHECKPOINT_FILES),),
        ),
    },
    conversion=Conversion(
        recognizes="mdsm_ros.checkpoints.convert.vpd:is_vpd",
        convert="mdsm_ros.checkpoints.convert.vpd:convert",
        language="openai/clip-vit-large-patch14",
        licence="mit",
        title="VPD (arXiv 2303.02153)",
        origin="https://github.com/wl-zhao/VPD, whose code has the MIT licence",
    ),
)
