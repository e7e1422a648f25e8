"""Pictures that a latent diffusion model draws of the kinds: how well the network knows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from mdsm_ros.language.prompts import photograph_of
from training.latent.generate import generate

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

STEPS, GUIDANCE = 50, 5.0  # those of mdsm-data generate


def drawings(
    pipeline: StableDiffusionPipeline, kinds: Sequence[str], views: int, seed: int, side: int
) -> Iterator[tuple[str, str, NDArray[np.uint8]]]:
    """Name, kind and picture (side, side, 3) of each drawing, ``views`` of each kind.

    Args:
        pipeline: The diffusion model.
        kinds: Names of the kinds.
        views: Number of drawings of each kind.
        seed: Random seed of the first drawing; each further one uses the next.
        side: Pixels.
    """
    pipeline.set_progress_bar_config(disable=True)
    for number, kind in enumerate(tqdm(kinds, desc="drawing", unit="kind", disable=None)):
        prompts = [photograph_of([kind])] * views
        for view, picture in enumerate(generate(pipeline, prompts, seed + number * views, STEPS, GUIDANCE)):
            resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
            yield f"{kind} {view}", kind, np.asarray(resized)
