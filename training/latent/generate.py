"""``mdsm-data generate``: pictures that a latent diffusion model draws from sentences, on one sheet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.arguments import count, natural
from mdsm_ros.commands.options import check_picture_name
from mdsm_ros.errors import DatasetError, WeightsError
from mdsm_ros.pictures.files import write_picture
from mdsm_ros.pictures.sheet import contact_sheet, labelled

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline


def open_pipeline(name: str) -> StableDiffusionPipeline:
    """Loads a Stable Diffusion checkpoint: folder, hub id or single file.

    Raises:
        DatasetError: It is missing or damaged.
    """
    from mdsm_ros.checkpoints.diffusion_checkpoint import load_pipeline

    try:
        return load_pipeline(name)
    except WeightsError as error:
        raise DatasetError(str(error)) from error


def generate(
    pipeline: StableDiffusionPipeline, prompts: list[str], seed: int, steps: int, guidance: float
) -> NDArray[np.uint8]:
    """Draws a picture for each prompt, which depends on prompt, seed and its place in the list alone.

    Args:
        pipeline: The model with its sampler.
        prompts: N sentences.
        seed: Random seed of the initial noise.
        steps: Number of steps of the sampler.
        guidance: Weight of classifier-free guidance; 1 is none.

    Returns:
        (N, H, W, 3) RGB.
    """
    import torch

    generators = [torch.Generator().manual_seed(seed + i) for i in range(len(prompts))]
    answer = pipeline(
        prompts, num_inference_steps=steps, guidance_scale=guidance, generator=generators, output_type="np"
    )
    return np.asarray((answer.images * 255).round(), dtype=np.uint8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("--model", required=True, help="Stable Diffusion checkpoint: folder, hub id or single file")
    parser.add_argument("--prompt", nargs="+", required=True, help='sentences, such as "a photograph of a chair"')
    parser.add_argument("--count", type=count, default=1, help="number of images per sentence (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("generated.png"), help="PNG or JPEG file to write")
    parser.add_argument("--columns", type=count, default=8)
    parser.add_argument(
        "--width", type=count, default=128, help="width of an image on the sheet in pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=natural, default=0, help="random seed of the first image; each further image uses the next one"
    )
    parser.add_argument("--steps", type=count, default=50, help="number of steps of the sampler (default: %(default)s)")
    parser.add_argument("--guidance", type=float, default=5.0, help="classifier-free guidance (default: %(default)s)")
    parser.add_argument("--batch", type=count, default=16, help="number of images per batch (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Draws the sheet; returns the exit status."""
    check_picture_name(args.out)
    pipeline = open_pipeline(args.model)
    pipeline.set_progress_bar_config(disable=None)
    prompts = [prompt for prompt in args.prompt for _ in range(args.count)]
    tiles = []
    for first in range(0, len(prompts), args.batch):
        part = prompts[first : first + args.batch]
        pictures = generate(pipeline, part, args.seed + first, args.steps, args.guidance)
        tiles += [labelled(_wide(picture, args.width), prompt) for picture, prompt in zip(pictures, part, strict=True)]
    write_picture(args.out, np.asarray(contact_sheet(tiles, args.columns)))
    print(f"{args.out}: {len(tiles)} pictures")
    return 0


def _wide(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    height = width * picture.shape[0] // picture.shape[1]
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
