"""Stable Diffusion checkpoints: folders and hub repositories in diffusers' layout, and single .safetensors files."""

from __future__ import annotations

from pathlib import Path

from diffusers import StableDiffusionPipeline
from transformers import CLIPTokenizer

from mdsm_ros.hub import WeightsError
from mdsm_ros.models.stable_diffusion import StableDiffusion

WITHOUT_CHECKER = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def load_pipeline(name: str, *, local_files_only: bool = False) -> StableDiffusionPipeline:
    """A Stable Diffusion pipeline by hub id, folder, or single file of the original layout.

    For a single file, diffusers takes configuration and tokenizer from the hub, or from its cache.

    Raises:
        WeightsError: there is no such checkpoint, it is damaged, or it holds a pickle, which is never read.
    """
    try:
        if Path(name).is_file():
            if Path(name).suffix != ".safetensors":
                raise WeightsError(f"checkpoint {name!r} is not a .safetensors file; pickles are not read")
            return StableDiffusionPipeline.from_single_file(name, local_files_only=local_files_only, **WITHOUT_CHECKER)
        return StableDiffusionPipeline.from_pretrained(
            name, use_safetensors=True, local_files_only=local_files_only, **WITHOUT_CHECKER
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise WeightsError(f"Stable Diffusion checkpoint {name!r} cannot be loaded: {error}") from error


def load_clip_tokenizer(name: str) -> CLIPTokenizer:
    """The tokenizer of a checkpoint.

    Raises:
        WeightsError: as :func:`load_pipeline`.
    """
    if Path(name).is_file():
        return load_pipeline(name).tokenizer
    try:
        return CLIPTokenizer.from_pretrained(name, subfolder="tokenizer")
    except (OSError, ValueError) as error:
        raise WeightsError(f"tokenizer of {name!r} cannot be loaded: {error}") from error


def load_stable_diffusion(parts: StableDiffusion, name: str) -> None:
    """Fills VAE, text encoder and UNet from a checkpoint.

    Raises:
        WeightsError: as :func:`load_pipeline`; or the sizes are not those of the checkpoint.
    """
    pipeline = load_pipeline(name)
    try:
        state = pipeline.vae.state_dict()
        parts.vae.load_state_dict({key: state[key] for key in parts.vae.state_dict()})
        parts.unet.load_state_dict(pipeline.unet.state_dict())
        parts.text_encoder.load_state_dict(pipeline.text_encoder.state_dict())
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"checkpoint {name!r} does not have the configured sizes: {error}") from error
    parts.scaling_factor.fill_(pipeline.vae.config.scaling_factor)
