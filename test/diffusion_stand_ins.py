"""A toy latent diffusion model in the layout of Stable Diffusion 1, in place of the public checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from mdsm_ros.models.stable_diffusion.config import Sizes
from mdsm_ros.models.stable_diffusion.network import StableDiffusion

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


def write_single_file(file: Path, parts: StableDiffusion) -> None:
    """Writes the weights under the names of the original code, in one file as Stable Diffusion was published."""
    per_level = parts.unet.config.layers_per_block + 1
    with_attention = [hasattr(level, "attentions") for level in parts.unet.up_blocks]
    last = len(parts.vae.config.block_out_channels) - 1

    def block(way: str, first: int, position: str) -> Callable[[re.Match[str]], str]:
        return lambda m: f"{way}_blocks.{first + int(m[1]) * per_level + int(m[2])}.{position}"

    def level_end(way: str, first: int, position: Callable[[int], str]) -> Callable[[re.Match[str]], str]:
        return lambda m: f"{way}_blocks.{first + (int(m[1]) + 1) * per_level - 1}.{position(int(m[1]))}"

    unet: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
        (r"^time_embedding\.linear_1", "time_embed.0"),
        (r"^time_embedding\.linear_2", "time_embed.2"),
        (r"^conv_in", "input_blocks.0.0"),
        (r"^conv_norm_out", "out.0"),
        (r"^conv_out", "out.2"),
        (r"^down_blocks\.(\d)\.resnets\.(\d)", block("input", 1, "0")),
        (r"^down_blocks\.(\d)\.attentions\.(\d)", block("input", 1, "1")),
        (r"^down_blocks\.(\d)\.downsamplers\.0\.conv", level_end("input", 1, lambda level: "0.op")),
        (r"^up_blocks\.(\d)\.resnets\.(\d)", block("output", 0, "0")),
        (r"^up_blocks\.(\d)\.attentions\.(\d)", block("output", 0, "1")),
        (
            r"^up_blocks\.(\d)\.upsamplers\.0",
            level_end("output", 0, lambda level: "2" if with_attention[level] else "1"),
        ),
        (r"^mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}"),
        (r"^mid_block\.attentions\.0", "middle_block.1"),
        (r"(\.\d)\.norm1\.(?=\w+$)(?<!blocks\.0\.norm1\.)", r"\1.in_layers.0."),
        (r"\.conv1\.", ".in_layers.2."),
        (r"\.time_emb_proj\.", ".emb_layers.1."),
        (r"(\.\d)\.norm2\.(?=\w+$)(?<!blocks\.0\.norm2\.)", r"\1.out_layers.0."),
        (r"\.conv2\.", ".out_layers.3."),
        (r"\.conv_shortcut\.", ".skip_connection."),
    ]
    vae: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
        (r"down_blocks\.(\d)\.resnets", r"down.\1.block"),
        (r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample"),
        (r"up_blocks\.(\d)\.resnets", lambda m: f"up.{last - int(m[1])}.block"),
        (r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{last - int(m[1])}.upsample"),
        (r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}"),
        (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
        (r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1"),
        (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
        (r"conv_norm_out", "norm_out"),
        (r"conv_shortcut", "nin_shortcut"),
    ]
    state = {}
    for prefix, module, renamings in (
        ("model.diffusion_model.", parts.unet, unet),
        ("first_stage_model.", parts.vae, vae),
        ("cond_stage_model.transformer.text_model.", parts.text_encoder, [(r"^text_model\.", "")]),
    ):
        for name, value in module.state_dict().items():
            renamed = name
            for pattern, replacement in renamings:
                renamed = re.sub(pattern, replacement, renamed)
            convolution = ".attn_1." in renamed and value.ndim == 2  # the original's attention has 1x1 convolutions
            state[prefix + renamed] = value[..., None, None].clone() if convolution else value.clone()
    save_file(state, file)
