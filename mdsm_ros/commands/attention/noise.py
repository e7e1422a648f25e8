"""A sheet of a VPD's answers and attention at several levels of noise, which it sees at inference only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from mdsm_ros.commands.attention.maps import answer_tile, map_tile, word_maps
from mdsm_ros.errors import AttentionError
from mdsm_ros.pictures.sheet import contact_sheet, labelled
from mdsm_ros.segmenter import Segmenter

if TYPE_CHECKING:
    from mdsm_ros.models.vpd.network import VPD

NOISE_SEED = 0


def noise_sheet(
    segmenter: Segmenter, image: NDArray[np.uint8], instruction: str, timesteps: Sequence[int]
) -> NDArray[np.uint8]:
    """Draws a row for each timestep: the image under that much noise, the answer, and the attention to each word.

    The model adds the noise to the latents; the first column shows what the same schedule does to the pixels.

    Args:
        segmenter: Segmenter of a VPD.
        image: Image, uint8 (H, W, 3) RGB.
        instruction: Instruction that names the target.
        timesteps: Timesteps of the noise, 0 (none) to 999.

    Raises:
        AttentionError: The model is not a VPD.
        ConfigError: A timestep is out of range.
        ImageError, InstructionError: As for :func:`~mdsm_ros.commands.attention.maps.word_maps`.
    """
    model = _vpd(segmenter)
    tiles = []
    for timestep in timesteps:
        with model.at_noise(timestep):
            maps = word_maps(segmenter, image, instruction)
            tiles += [
                labelled(answer_tile(noised(model, image, timestep)), f"noise of T = {timestep}"),
                labelled(answer_tile(image, segmenter.segment(image, instruction).mask), instruction),
                *(map_tile(image, found) for found in maps),
            ]
    return np.asarray(contact_sheet(tiles, len(tiles) // len(timesteps)))


def noised(model: VPD, image: NDArray[np.uint8], timestep: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) with the noise of a timestep of the model's schedule in its pixels, scaled to [-1, 1]."""
    if not timestep:
        return image
    pixels = torch.tensor(image).float() / 127.5 - 1
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(NOISE_SEED))
    mixed = model.scheduler.add_noise(pixels, noise, torch.tensor([timestep]))
    picture: NDArray[np.uint8] = ((mixed.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return picture


def _vpd(segmenter: Segmenter) -> VPD:
    from mdsm_ros.models.vpd.network import VPD

    if not isinstance(segmenter.model, VPD):
        raise AttentionError(f"model {segmenter.name!r} sees no noise, expected a VPD for --timestep")
    return segmenter.model
