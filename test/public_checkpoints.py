"""Tiny random checkpoints with the files that the public ones have on the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers as t

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
LETTERS = "abcdefghijklmnopqrstuvwxyz'"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "the", "pillow", "nearest", "to", "radio", "red", "cup"]


def write_clipseg(folder: Path) -> None:
    """As CIDAS/clipseg-rd64-refined: the tokenizer is a vocabulary and merges."""
    torch.manual_seed(1)
    _save(
        t.CLIPSegForImageSegmentation(
            t.CLIPSegConfig(
                text_config=_clip_text(77),
                vision_config=_layers(image_size=32, patch_size=16, num_hidden_layers=3),
                projection_dim=16,
                extract_layers=[1, 2],
                reduce_dim=8,
                decoder_num_attention_heads=2,
                decoder_intermediate_size=16,
                use_complex_transposed_convolution=True,
            )
        ),
        folder,
    )
    _write_clip_tokenizer(folder, 77)
    _write_json(
        folder / "preprocessor_config.json",
        {"image_processor_type": "ViTImageProcessor", "size": {"height": 352, "width": 352}} | _normalization(),
    )


def write_grounding_dino(folder: Path) -> None:
    """As IDEA-Research/grounding-dino-tiny."""
    torch.manual_seed(2)
    swin = t.SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=4, out_indices=[2, 3, 4]
    )
    _save(
        t.GroundingDinoForObjectDetection(
            t.GroundingDinoConfig(
                backbone_config=swin,
                text_config=t.BertConfig(vocab_size=len(WORDS), max_position_embeddings=64, **_layers()),
                d_model=32,  # its norm has 32 groups
                encoder_layers=1,
                decoder_layers=2,
                encoder_ffn_dim=16,
                decoder_ffn_dim=16,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                num_queries=20,
                max_text_len=32,
            )
        ),
        folder,
    )
    t.BertTokenizerFast(vocab={word: i for i, word in enumerate(WORDS)}).save_pretrained(folder)
    _write_json(
        folder / "preprocessor_config.json",
        {"image_processor_type": "GroundingDinoImageProcessor", "size": {"shortest_edge": 800, "longest_edge": 1333}}
        | _normalization(),
    )


def hiera(side: int) -> t.Sam2HieraDetConfig:
    """The smallest encoder of SAM 2, for square images of ``side`` pixels."""
    return t.Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[side, side],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 1, 1],
        window_size_per_stage=[4, 4, 4, 4],
        window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3],
    )


def write_sam2(folder: Path) -> None:
    """As facebook/sam2.1-hiera-small, whose checkpoint is that of the tracker for videos."""
    torch.manual_seed(3)
    vision = t.Sam2VisionConfig(
        backbone_config=hiera(64),
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=32,
    )
    _save(
        t.Sam2VideoModel(t.Sam2VideoConfig(vision_config=vision, image_size=64, **_memory(4), **_prompted(64, 16))),
        folder,
    )
    _write_json(
        folder / "preprocessor_config.json",
        {"image_processor_type": "Sam2ImageProcessorFast", "size": {"height": 64, "width": 64}} | _normalization(),
    )


def write_sam3(folder: Path) -> None:
    """As facebook/sam3, whose checkpoint holds the tracker for videos beside the detector."""
    torch.manual_seed(4)
    backbone = t.Sam3ViTConfig(
        **_layers(num_hidden_layers=1, image_size=112, patch_size=14),
        window_size=4,
        pretrain_image_size=56,
        global_attn_indexes=[0],
    )
    vision = t.Sam3VisionConfig(
        backbone_config=backbone, fpn_hidden_size=32, backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]]
    )
    size: dict[str, Any] = {"hidden_size": 32, "num_attention_heads": 2}
    detr = size | {"num_layers": 1, "intermediate_size": 32}
    detector = t.Sam3Config(
        vision_config=vision,
        text_config=t.CLIPTextConfig(**_clip_text(32)),
        geometry_encoder_config=t.Sam3GeometryEncoderConfig(**detr),
        detr_encoder_config=t.Sam3DETREncoderConfig(**detr),
        detr_decoder_config=t.Sam3DETRDecoderConfig(**detr, num_queries=5),
        mask_decoder_config=t.Sam3MaskDecoderConfig(**size),
    )
    tracker = t.Sam3TrackerVideoConfig(vision_config=vision, image_size=112, **_memory(8), **_prompted(112, 14))
    _save(t.Sam3VideoModel(t.Sam3VideoConfig(detector_config=detector, tracker_config=tracker)), folder)
    _write_clip_tokenizer(folder, 32)
    processor = {"image_processor_type": "Sam3ImageProcessorFast", "size": {"height": 112, "width": 112}}
    _write_json(
        folder / "processor_config.json",
        {"image_processor": processor | _normalization(), "processor_class": "Sam3VideoProcessor"},
    )


WRITERS = {
    "CIDAS/clipseg-rd64-refined": write_clipseg,
    "IDEA-Research/grounding-dino-tiny": write_grounding_dino,
    "facebook/sam2.1-hiera-small": write_sam2,
    "facebook/sam3": write_sam3,
}
"""What writes the stand-in of a repository on the hub."""


def fill_cache(cache: Path, *repositories: str) -> None:
    """Puts stand-ins where huggingface_hub keeps what it has downloaded."""
    for repository in repositories:
        storage = cache / f"models--{repository.replace('/', '--')}"
        commit = "0123456789abcdef0123456789abcdef01234567"
        WRITERS[repository](storage / "snapshots" / commit)
        (storage / "refs").mkdir()
        (storage / "refs/main").write_text(commit)


def _layers(**sizes: Any) -> dict[str, Any]:
    return {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2} | sizes


def _clip_text(tokens: int) -> dict[str, Any]:
    end = 2 * len(LETTERS) + 1
    names = {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    return _layers(vocab_size=end + 1, max_position_embeddings=tokens, projection_dim=16) | names


def _prompted(side: int, patch: int) -> dict[str, Any]:
    size: dict[str, Any] = {"hidden_size": 32}
    return {
        "prompt_encoder_config": size | {"image_size": side, "patch_size": patch, "mask_input_channels": 8},
        "mask_decoder_config": size | {"mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16},
    }


def _memory(grid: int) -> dict[str, Any]:
    """Sizes of the trackers' memory."""
    return {
        "memory_attention_hidden_size": 32,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_num_layers": 1,
        "memory_attention_rope_feat_sizes": [grid, grid],
        "memory_encoder_hidden_size": 32,
        "memory_encoder_output_channels": 16,
        "mask_downsampler_embed_dim": 32,
        "memory_fuser_embed_dim": 32,
        "memory_fuser_intermediate_dim": 32,
        "memory_fuser_num_layers": 1,
    }


def _normalization() -> dict[str, Any]:
    return {"do_normalize": True, "do_resize": True, "image_mean": MEAN, "image_std": STD}


def _save(model: t.PreTrainedModel, folder: Path) -> None:
    """With weights far enough from zero for answers that depend on image and text."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.3)
    model.save_pretrained(folder)


def _write_clip_tokenizer(folder: Path, tokens: int) -> None:
    """One token per letter; anything else is unknown."""
    symbols = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    _write_json(folder / "vocab.json", {symbol: i for i, symbol in enumerate(symbols)})
    (folder / "merges.txt").write_text("#version: 0.2\n")
    end = "<|endoftext|>"
    names = {"bos_token": "<|startoftext|>", "eos_token": end, "unk_token": end, "pad_token": end}
    _write_json(
        folder / "tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer", "model_max_length": tokens} | names
    )
    _write_json(folder / "special_tokens_map.json", names)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values))
