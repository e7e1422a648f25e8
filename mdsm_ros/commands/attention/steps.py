"""``mdsm attention --steps``: the noisy mask that each refinement step sees, and the mask that it finds in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mdsm_ros.commands.attention.maps import small
from mdsm_ros.errors import AttentionError
from mdsm_ros.inference.preprocess import to_image_grid
from mdsm_ros.inference.zoom import Zoom
from mdsm_ros.models.common.diffusion import Denoiser
from mdsm_ros.models.mdsm.network import MDSM
from mdsm_ros.pictures.overlay import draw_mask
from mdsm_ros.pictures.sheet import contact_sheet, labelled
from mdsm_ros.segmenter import Segmenter

MOST_SHOWN = 10  # steps on a sheet


@dataclass(frozen=True)
class Step:
    """A refinement step.

    Attributes:
        timestep: Timestep of the noise.
        noisy: The mask that the step sees, -1 to 1 with noise, float32 (h, w) on the refiner's grid, of the part of the
            image that is refined.
        probability: Probability of each pixel of the image after the step, float32 (H, W).
    """

    timestep: int
    noisy: NDArray[np.float32]
    probability: NDArray[np.float32]


def refinement_steps(
    segmenter: Segmenter, image: NDArray[np.uint8], instruction: str, number: int
) -> tuple[NDArray[np.bool_], list[Step]]:
    """Computes the initial mask (H, W), and every step of its refinement.

    Args:
        segmenter: Segmenter of the model.
        image: Image, uint8 (H, W, 3) RGB.
        instruction: Instruction that names the target.
        number: Number of refinement steps, at least 1.

    Raises:
        AttentionError: The model does not refine.
        ImageError: The image has the wrong shape or type.
        InstructionError: The instruction is empty, too long, or contains control characters.
    """
    model = segmenter.model
    if not isinstance(model, MDSM):
        raise AttentionError(f"model {segmenter.name!r} has no refinement steps, expected MDSM")
    seen: list[tuple[int, torch.Tensor, torch.Tensor]] = []

    make = model.refiner.denoiser

    def make_watched(*args: Any) -> Denoiser:
        denoise = make(*args)

        def watched(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            logits = denoise(noisy, timesteps)
            seen.append((int(timesteps[0]), noisy[0, 0].float().cpu(), logits.float().cpu()))
            return logits

        return watched

    vars(model.refiner)["denoiser"] = make_watched  # of this object, in place of the class's
    try:
        settings = segmenter.defaults.updated(num_inference_steps=number, present_threshold=0.0)
        initial, refined = segmenter.stream(image, instruction, settings)
    finally:
        del vars(model.refiner)["denoiser"]
    zoom = Zoom(0, 0, 1, 1) if refined.zoom is None else refined.zoom
    part = zoom.part(*image.shape[:2])
    return initial.mask, [Step(time, noisy.numpy(), _on_image(logits, image, part)) for time, noisy, logits in seen]


def _on_image(logits: torch.Tensor, image: NDArray[np.uint8], part: tuple[slice, slice]) -> NDArray[np.float32]:
    """Probabilities (H, W) from logits (1, 1, h, w) of a part of the image; 0 around it."""
    probability = np.zeros(image.shape[:2], np.float32)
    probability[part] = to_image_grid(logits, *probability[part].shape)[0].numpy()
    return probability


def steps_sheet(segmenter: Segmenter, image: NDArray[np.uint8], instruction: str, number: int) -> NDArray[np.uint8]:
    """Draws the noisy masks above the masks found in them, after the image and its initial mask.

    Of more than ten steps, ten are shown, the first and the last among them. Arguments and errors are the same as for
    :func:`refinement_steps`.
    """
    initial, steps = refinement_steps(segmenter, image, instruction, number)
    shown = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_SHOWN)).round().astype(int))
    above = [labelled(small(image), instruction)]
    below = [labelled(small(_marked(image, initial)), "initial mask")]
    for i in shown:
        step = steps[i]
        above.append(labelled(_noisy(step, image.shape[:2]), f"step {i + 1}, noise of timestep {step.timestep}"))
        mask = step.probability >= segmenter.defaults.mask_threshold
        below.append(labelled(small(_marked(image, mask)), f"mask after step {i + 1}"))
    return np.asarray(contact_sheet([*above, *below], columns=len(above)))


def _marked(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    canvas = np.array(image)
    draw_mask(canvas, mask)
    return canvas


def _noisy(step: Step, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A noisy mask in grey, on the image's grid: black for -1 and less, white for 1 and more."""
    grey = np.round((step.noisy.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
    picture = Image.fromarray(grey).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return small(np.asarray(picture.convert("RGB")))
