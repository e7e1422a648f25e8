"""Conversion of checkpoints of the official VPD code (github.com/wl-zhao/VPD, folder refer).

Names and shapes were looked up in that code. UNet and VAE have the layout of the original Stable Diffusion code, which
diffusers can translate. These checkpoints lack the text encoder, because VPD never trains it: it is the one of CLIP
ViT-L/14, as in Stable Diffusion 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from diffusers.loaders.single_file_utils import (
    LDM_UNET_KEY,
    LDM_VAE_KEYS,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from transformers import CLIPTextModel, PreTrainedTokenizerBase

from mdsm_ros.checkpoints.convert.checkpoint import Source, fill, option, tensors, translate
from mdsm_ros.checkpoints.convert.lavt import decoder_rules, object_logit, say_present
from mdsm_ros.checkpoints.diffusion_checkpoint import load_clip_tokenizer, load_text_encoder
from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.models.stable_diffusion.config import SD15, Sizes
from mdsm_ros.models.vpd.config import VPDConfig
from mdsm_ros.models.vpd.network import VPD

UNET, VAE = "unet.unet.diffusion_model.", "encoder_vq."
UNUSED = "encoder_vq.post_quant_conv."  # parameters of the VAE's decoder, which that code deletes
LEVELS = 4
_RULES = [(r"text_adapter\.fc\.(\d\.\w+)", r"adapter.mlp.\1"), (r"gamma", "adapter.gamma"), *decoder_rules("head")]


def is_vpd(content: Mapping[str, Any]) -> bool:
    """Whether a checkpoint has the layout of the official VPD."""
    state = content.get("model")
    return isinstance(state, dict) and f"{UNET}input_blocks.0.0.weight" in state


def vpd_config(content: Mapping[str, Any], state: Mapping[str, torch.Tensor], text_encoder: CLIPTextModel) -> VPDConfig:
    """The configuration given by the shapes, and the image size of the stored options (512 if there are none).

    Raises:
        WeightsError: This package's VPD does not support the sizes.
    """
    try:
        blocks = len({key.split(".")[4] for key in state if key.startswith(f"{UNET}input_blocks.")})
        layers = blocks // LEVELS - 1  # a convolution; these in each level, and a halving in all but the last
        widths = [len(state[f"{UNET}input_blocks.{1 + i * (layers + 1)}.0.in_layers.2.weight"]) for i in range(LEVELS)]
        encoder = f"{VAE}encoder.down"
        first = state["classifier.conv1_4.weight"]
        sizes: Sizes = {
            "vae": SD15["vae"]
            | {
                "block_out_channels": tuple(len(state[f"{encoder}.{i}.block.0.conv1.weight"]) for i in range(LEVELS)),
                "layers_per_block": len({k.split(".")[5] for k in state if k.startswith(f"{encoder}.0.block.")}),
            },
            "unet": SD15["unet"]
            | {
                "block_out_channels": tuple(widths),
                "layers_per_block": layers,
                "cross_attention_dim": len(state["gamma"]),
            },
            "text_encoder": {name: getattr(text_encoder.config, name) for name in SD15["text_encoder"]},
        }
        return VPDConfig(
            image_size=option(content, "img_size", VPDConfig.image_size),
            max_tokens=first.shape[1] - widths[3] - widths[2],  # one map for each, beside the features
            sizes=sizes,
            scale_latents=False,
            decoder_channels=len(first),
        )
    except KeyError as error:
        raise WeightsError(f"the checkpoint has no {error.args[0]}, expected a VPD") from error
    except Exception as error:  # tensors of any shape, options of any type
        raise WeightsError(f"the checkpoint has sizes that no VPD here can have: {error}") from error


def convert(content: Mapping[str, Any], language: str) -> VPD:
    """Makes a VPD with the weights of an official checkpoint, and tokenizer and text encoder of a hub id or folder.

    Raises:
        WeightsError: As for :func:`convert_vpd`, or the tokenizer or the text encoder cannot be found.
    """
    return convert_vpd(content, load_text_encoder(language), load_clip_tokenizer(language, subfolder=""))


def convert_vpd(content: Mapping[str, Any], text_encoder: CLIPTextModel, tokenizer: PreTrainedTokenizerBase) -> VPD:
    """Makes a VPD with the weights of an official checkpoint.

    VPD always answers with a mask, and so does this one; the hidden layer of its present head is seeded.

    Args:
        content: Content of the checkpoint.
        text_encoder: Text encoder of CLIP ViT-L/14.
        tokenizer: Tokenizer of CLIP ViT-L/14.

    Raises:
        WeightsError: A tensor is missing, has no counterpart or another shape.
    """
    state = {key: value for key, value in tensors(content, "model").items() if not key.startswith(UNUSED)}
    config = vpd_config(content, state, text_encoder)
    sizes = config.sizes
    width, expected = sizes["text_encoder"]["hidden_size"], sizes["unet"]["cross_attention_dim"]
    if width != expected:
        raise WeightsError(f"text encoder is {width} wide, expected {expected} as in the checkpoint")
    rest = {key: value for key, value in state.items() if not key.startswith((UNET, VAE))}
    sources = translate(rest, _RULES, object_logit)
    sources |= _by_diffusers(state, UNET, LDM_UNET_KEY, "backbone.unet", convert_ldm_unet_checkpoint, sizes["unet"])
    sources |= _by_diffusers(state, VAE, LDM_VAE_KEYS[0], "backbone.vae", convert_ldm_vae_checkpoint, sizes["vae"])
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = VPD(config, tokenizer)
    except ConfigError as error:
        raise WeightsError(f"the checkpoint has sizes that no VPD here can have: {error}") from error
    fill(model, sources, ours=("head.present.", "backbone.text_encoder.", "backbone.scaling_factor"))
    model.backbone.text_encoder.load_state_dict(text_encoder.state_dict())
    say_present(model.head)
    return model.eval()


def _by_diffusers(
    state: Mapping[str, torch.Tensor],
    prefix: str,
    ldm_prefix: str,
    ours: str,
    convert: Callable[[dict[str, torch.Tensor], Mapping[str, Any]], dict[str, torch.Tensor | None]],
    config: Mapping[str, Any],
) -> dict[str, Source]:
    """Converts one network to diffusers' names; raises for tensors that diffusers silently ignores."""
    keys = {key: value for key, value in state.items() if key.startswith(prefix)}
    try:
        converted = convert({ldm_prefix + key.removeprefix(prefix): value for key, value in keys.items()}, config)
    except KeyError as error:
        raise WeightsError(f"the checkpoint has no {prefix}{error.args[0]}") from error
    places = {value.data_ptr(): (name, value) for name, value in converted.items() if value is not None}
    lost = [key for key, value in keys.items() if value.data_ptr() not in places]
    if lost:
        raise WeightsError(f"{lost[0]} of the checkpoint has no place in the model")
    found = ((key, *places[value.data_ptr()]) for key, value in keys.items())
    return {f"{ours}.{name}": Source(key, value) for key, name, value in found}
