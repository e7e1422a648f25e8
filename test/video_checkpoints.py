"""Tiny checkpoints of video models, with the files that the public ones have on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers as t
from public_checkpoints import MEAN, STD, _memory, _normalization, _prompted, _save, _write_json, hiera

SIDE, WIDTH = 128, 128  # pixels of the input; channels of features
MEMORY = 64  # channels of the memory, which are built in; those of features are a multiple
GRIDS = [[32, 32], [16, 16], [8, 8]]


def write_sam2_video(folder: Path, *, sees_red: bool = False, in_view: bool = True) -> Path:
    """As facebook/sam2.1-hiera-tiny, with random weights.

    Args:
        folder: Folder to write.
        sees_red: Whether the weights on the way from the pixels to the mask are set by hand: the mask is what is red.
        in_view: What the object's score then says, in every image.
    """
    torch.manual_seed(6)
    vision = t.Sam2VisionConfig(
        backbone_config=hiera(SIDE),
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=GRIDS,
        fpn_hidden_size=WIDTH,
    )
    model = t.Sam2VideoModel(t.Sam2VideoConfig(vision_config=vision, image_size=SIDE, **_sizes()))
    return _write(model, folder, sees_red=sees_red, in_view=in_view)


def write_edgetam_video(folder: Path) -> Path:
    """As yonigozlan/EdgeTAM-hf, with random weights: the backbone is a RepViT of timm."""
    torch.manual_seed(7)
    backbone = t.TimmWrapperConfig(
        architecture="repvit_m1",
        model_args={
            "in_chans": 3,
            "features_only": True,
            "out_indices": [0, 1, 2, 3],
            "embed_dim": [8, 16, 24, 32],
            "depth": [1, 1, 1, 1],
        },
    )
    vision = t.EdgeTamVisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[32, 24, 16, 8],
        backbone_feature_sizes=GRIDS,
        fpn_hidden_size=WIDTH,
    )
    sizes = _sizes()
    del sizes["memory_attention_feed_forward_hidden_size"]
    config = t.EdgeTamVideoConfig(
        vision_config=vision,
        image_size=SIDE,
        **sizes,
        memory_attention_mlp_hidden_size=32,
        memory_attention_rope_k_sizes=[4, 4],
        perceiver_resampler_num_latents=8,
        perceiver_resampler_num_latents_2d=16,
        perceiver_resampler_mlp_intermediate_size=16,
        perceiver_resampler_num_layers=1,
    )
    return _write(t.EdgeTamVideoModel(config), folder)


WRITERS = {"Sam2VideoModel": write_sam2_video, "EdgeTamVideoModel": write_edgetam_video}
"""What writes a checkpoint of a class of transformers."""


def _sizes() -> dict[str, Any]:
    prompted = _prompted(SIDE, 16)
    for part in prompted.values():
        part["hidden_size"] = WIDTH
    memory = _memory(GRIDS[-1][0]) | {
        "memory_attention_hidden_size": WIDTH,
        "memory_encoder_hidden_size": WIDTH,
        "memory_encoder_output_channels": MEMORY,
        "mask_downsampler_embed_dim": WIDTH,
        "memory_fuser_embed_dim": WIDTH,
    }
    return memory | prompted


def _write(model: Any, folder: Path, *, sees_red: bool = False, in_view: bool = True) -> Path:
    _save(model, folder)
    if sees_red:
        _show_red(model)
    score = model.mask_decoder.pred_obj_score_head.proj_out
    with torch.no_grad():
        score.weight.zero_()  # else random weights may never see anything
        score.bias.fill_(5.0 if in_view else -5.0)
    model.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    _write_json(
        folder / "preprocessor_config.json",
        {"image_processor_type": "Sam2ImageProcessorFast", "size": size} | _normalization(),
    )
    return folder


def _show_red(model: t.Sam2VideoModel) -> None:
    """Leads how much redder than green and blue a place is through the layers to the mask, past the rest."""
    backbone, decoder = model.vision_encoder.backbone, model.mask_decoder
    patches, block, lateral = backbone.patch_embed.projection, backbone.blocks[0], model.vision_encoder.neck.convs[3]
    outputs = [mlp.proj_out for mlp in decoder.output_hypernetworks_mlps]
    with torch.no_grad():
        for layer in (patches, block.attn.proj, block.mlp.proj_out, lateral, decoder.conv_s0, decoder.upscale_conv2):
            layer.weight.zero_()
            layer.bias.zero_()
        for embedding in (backbone.pos_embed, backbone.pos_embed_window):
            embedding.zero_()
        for channel, share in enumerate((1.0, -0.5, -0.5)):  # of pixels as they were before they were normalized
            patches.weight[0, channel, 2:6, 2:6] = share * STD[channel] / 16
        patches.bias[0] = MEAN[0] - (MEAN[1] + MEAN[2]) / 2 - 0.4
        lateral.weight[0, 0] = decoder.conv_s0.weight[0, 0] = 1.0
        for layer in outputs:
            layer.weight.zero_()
            layer.bias.zero_()
            layer.bias[0] = 20.0
