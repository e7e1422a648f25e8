"""Stable Diffusion checkpoints: folders and hub repositories in diffusers' layout, and single .safetensors files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import StableDiffusionPipeline
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from mdsm_ros.errors import WeightsError
from mdsm_ros.models.stable_diffusion.config import SD15, StableDiffusionConfig
from mdsm_ros.models.stable_diffusion.network import StableDiffusion

if TYPE_CHECKING:
    from mdsm_ros.models.daam.network import DAAM
    from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
    from mdsm_ros.models.vpd.network import VPD

PIPELINE_FILE = "model_index.json"  # in the folder of a diffusion model, in diffusers' layout
WITHOUT_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def load_pipeline(name: str, *, local_files_only: bool = False) -> StableDiffusionPipeline:
    """Loads a Stable Diffusion pipeline from a hub id, a folder, or a single file in the original layout.

    For a single file, configuration and tokenizer come from a folder in diffusers' layout, without weights, named like
    the file without its suffix. If there is none, diffusers takes them from the hub or its cache.

    Raises:
        WeightsError: The checkpoint is missing or damaged, or is a pickle, which is never read.
    """
    try:
        if Path(name).is_file():
            if Path(name).suffix != ".safetensors":
                raise WeightsError(f"checkpoint {name!r} is not a .safetensors file; pickles are not read")
            folder = Path(name).with_suffix("")
            config = str(folder) if folder.is_dir() else None
            return StableDiffusionPipeline.from_single_file(
                name, config=config, local_files_only=local_files_only, **WITHOUT_CHECKER
            )
        return StableDiffusionPipeline.from_pretrained(
            name, use_safetensors=True, local_files_only=local_files_only, **WITHOUT_CHECKER
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"Stable Diffusion checkpoint {name!r} cannot be loaded: {error}") from error


def load_clip_tokenizer(name: str, subfolder: str = "tokenizer") -> CLIPTokenizer:
    """Loads the tokenizer of a checkpoint; for a text encoder alone, ``subfolder`` is empty.

    Raises:
        WeightsError: As for :func:`load_pipeline`.
    """
    if Path(name).is_file():
        return load_pipeline(name).tokenizer
    try:
        tokenizer = CLIPTokenizer.from_pretrained(name, subfolder=subfolder)
    except (OSError, ValueError) as error:
        raise WeightsError(f"tokenizer of {name!r} cannot be loaded: {error}") from error
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):  # transformers makes one up if there is none
        raise WeightsError(f"tokenizer of {name!r} cannot be loaded: it knows no words, or its files are missing")
    return tokenizer


def blank_clip_tokenizer() -> CLIPTokenizer:
    """Whether a tokenizer has no vocabulary."""
    return CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])


def load_tokenizer(config: StableDiffusionConfig) -> CLIPTokenizer:
    """The tokenizer of the text encoder that a model starts from.

    Raises:
        WeightsError: As for :func:`load_pipeline`.
    """
    name = config.own_text_encoder
    return load_clip_tokenizer(config.checkpoint if name is None else name, subfolder=_part(name, "tokenizer"))


def _part(name: str | None, part: str) -> str:
    """The subfolder of a part of a text encoder's checkpoint; None: of the diffusion model's own.

    A text encoder's own checkpoint has no subfolders, unless it is that of another diffusion model.
    """
    return part if name is None or (Path(name) / PIPELINE_FILE).is_file() else ""


def load_encoders(model: VPD | GroundedDiffusion | DAAM) -> None:
    """Fills a model's Stable Diffusion from hub ids, folders, or single .safetensors files of its configuration.

    Raises:
        WeightsError: As for :func:`load_stable_diffusion`.
    """
    load_stable_diffusion(model.backbone, model.config.checkpoint, model.config.own_text_encoder)


def load_stable_diffusion(parts: StableDiffusion, name: str, text_name: str | None = None) -> None:
    """Fills VAE, text encoder and UNet from a checkpoint.

    Args:
        parts: Networks to fill. LoRA layers of the UNet are not changed.
        name: Name of the checkpoint.
        text_name: Another checkpoint, from which the text encoder is taken, see :func:`load_text_encoder`.

    Raises:
        WeightsError: As for :func:`load_pipeline`, or the checkpoint has other sizes.
    """
    pipeline = load_pipeline(name)
    text_encoder = pipeline.text_encoder if text_name is None else load_text_encoder(text_name)
    state = pipeline.vae.state_dict()
    _fill(parts.vae, {key: state[key] for key in parts.vae.state_dict() if key in state}, name)
    _fill(parts.unet, pipeline.unet.state_dict(), name)
    _fill(parts.text_encoder, text_encoder.state_dict(), text_name or name)
    parts.scaling_factor.fill_(pipeline.vae.config.scaling_factor)


def load_text_encoder(name: str) -> CLIPTextModel:
    """Loads CLIP's text encoder from a hub id or folder, which may be the folder of a diffusion model.

    Raises:
        WeightsError: It is missing, or a pickle.
    """
    try:
        subfolder = _part(name, "text_encoder")
        return CLIPTextModel.from_pretrained(name, subfolder=subfolder, use_safetensors=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"text encoder {name!r} cannot be loaded: {error}") from error


def text_encoder_sizes(name: str) -> dict[str, Any]:
    """The sizes of the text encoder that :func:`load_text_encoder` loads, as a configuration's ``sizes`` have them.

    Raises:
        WeightsError: Its configuration is missing.
    """
    try:
        config = CLIPTextConfig.from_pretrained(name, subfolder=_part(name, "text_encoder"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"text encoder {name!r} cannot be loaded: {error}") from error
    names = (*SD15["text_encoder"], "bos_token_id", "eos_token_id", "pad_token_id")
    return {field: getattr(config, field) for field in names}


def _fill(module: nn.Module, state: Mapping[str, torch.Tensor], name: str) -> None:
    wrapped = {key.replace(".base_layer.", "."): key for key in module.state_dict()}  # LoRA's name for the layer itself
    try:
        missing, unexpected = module.load_state_dict({wrapped.get(k, k): v for k, v in state.items()}, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"checkpoint {name!r} does not have the configured sizes: {error}") from error
    wrong = [key for key in (*missing, *unexpected) if ".lora_" not in key]
    if wrong:
        raise WeightsError(f"checkpoint {name!r} does not have the configured sizes: {wrong[0]} is in one of them only")
