"""Tiny encoders in the formats of timm and transformers, in place of the public checkpoints."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast, CLIPVisionConfig, CLIPVisionModel

from mdsm_ros.models.mdsm import MDSM_SMALL

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bring", "me", "the", "box", "wide", "high", "red", "cup"]
TOKENIZER = BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)})
SMALL = dataclasses.replace(  # mdsm-small with small encoders from nothing
    MDSM_SMALL,
    image_size=64,
    swin_window_size=4,
    swin_depths=(1, 1, 1, 1),
    vocab_size=16,
    bert_hidden_size=32,
    bert_num_layers=1,
    bert_num_heads=2,
    bert_checkpoint=None,
    efficientnet_checkpoint=None,
)


def write_stand_ins(folder: Path) -> dict[str, Any]:
    """Writes Swin, CLIP and BERT checkpoints; returns the fields of a configuration that starts from them."""
    torch.manual_seed(7)
    sizes = {"embed_dim": 32, "depths": [2, 2, 2, 2], "num_heads": [2, 4, 8, 16], "window_size": 4, "img_size": 64}
    swin = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **sizes)
    (folder / "swin").mkdir(parents=True)
    save_file(swin.state_dict(), folder / "swin/model.safetensors")
    description = {
        "architecture": "swin_tiny_patch4_window7_224",
        "num_classes": 0,
        "model_args": {k: v for k, v in sizes.items() if k not in ("img_size", "window_size")},
        "pretrained_cfg": {"input_size": [3, 64, 64], "num_classes": 0},
    }
    (folder / "swin/config.json").write_text(json.dumps(description))
    CLIPVisionModel(
        CLIPVisionConfig(
            image_size=32,
            patch_size=16,
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
        )
    ).save_pretrained(folder / "clip")
    BertModel(
        BertConfig(vocab_size=16, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256)
    ).save_pretrained(folder / "bert")
    TOKENIZER.save_pretrained(folder / "bert")
    return {
        "image_size": 64,
        "swin_checkpoint": f"local-dir:{folder / 'swin'}",
        "swin_depths": (2, 2, 2, 2),
        "swin_window_size": 4,
        "clip_checkpoint": str(folder / "clip"),
        "clip_image_size": 32,
        "clip_hidden_size": 64,
        "clip_num_layers": 2,
        "bert_checkpoint": str(folder / "bert"),
        "vocab_size": 16,
        "bert_hidden_size": 64,
        "bert_num_layers": 2,
    }
