"""A toy latent diffusion model in the layout of Stable Diffusion 1, in place of the public checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from mdsm_ros.models.stable_diffusion import Sizes, StableDiffusion

START, END = "<|startoftext|>", "<|endoftext|>"
CHARACTERS = "abcdefghijklmnopqrstuvwxyz"
VOCABULARY = {piece: i for i, piece in enumerate([START, END, *CHARACTERS, *(f"{c}</w>" for c in CHARACTERS)])}
CLIP_TOKENIZER = CLIPTokenizer(vocab=VOCABULARY, merges=[], model_max_length=24)
"""Spells words out, a letter a token."""

TOY: Sizes = {
    "vae": {
        "block_out_channels": (8, 8, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "sample_size": 64,
    },
    "unet": {
        "sample_size": 8,
        "block_out_channels": (16, 16, 24, 32),
        "layers_per_block": 1,
        "cross_attention_dim": 16,
        "attention_head_dim": 2,
        "norm_num_groups": 8,
    },
    "text_encoder": {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 24,
        "bos_token_id": VOCABULARY[START],
        "eos_token_id": VOCABULARY[END],
        "pad_token_id": VOCABULARY[END],
    },
}
"""The sizes of what :func:`write_pipeline` writes: images of 64 pixels have latents of 8."""


def write_pipeline(folder: Path, scaling_factor: float = 0.5, seed: int = 7) -> StableDiffusion:
    """Writes a pipeline with random weights as diffusers does, and returns its parts."""
    torch.manual_seed(seed)
    sizes = {**TOY, "vae": {**TOY["vae"], "scaling_factor": scaling_factor}}
    parts = StableDiffusion(sizes, CLIP_TOKENIZER, decoder=True).eval()
    StableDiffusionPipeline(
        vae=parts.vae,
        text_encoder=parts.text_encoder,
        tokenizer=CLIP_TOKENIZER,
        unet=parts.unet,
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return parts


def write_text_tower(folder: Path, hidden_size: int, seed: int = 8) -> CLIPTextModel:
    """Writes a CLIP text encoder of another width with its tokenizer, as transformers does, and returns it."""
    torch.manual_seed(seed)
    tower = CLIPTextModel(CLIPTextConfig(**{**TOY["text_encoder"], "hidden_size": hidden_size})).eval()
    tower.save_pretrained(folder)
    CLIP_TOKENIZER.save_pretrained(folder)
    return tower
