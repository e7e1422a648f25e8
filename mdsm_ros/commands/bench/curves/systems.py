"""Models with random weights to compare with: they take as long as trained ones, and need no download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import CLIPSegConfig as NetworkConfig
from transformers import CLIPSegForImageSegmentation

from mdsm_ros.checkpoints.diffusion_checkpoint import blank_clip_tokenizer
from mdsm_ros.checkpoints.pretrained import make_model
from mdsm_ros.models.base import HubModel
from mdsm_ros.models.clipseg import CLIPSEG
from mdsm_ros.models.clipseg.network import CLIPSeg
from mdsm_ros.models.common.normalize import Normalize
from mdsm_ros.models.common.vision import CLIP_MEAN, CLIP_STD
from mdsm_ros.models.families import presets, trained_family
from mdsm_ros.models.family import resolve
from mdsm_ros.segmenter import Segmenter


def random_model(preset: str, **changes: Any) -> HubModel:
    """A preset with random weights.

    Args:
        preset: Name of the preset.
        changes: Fields of its configuration that are replaced.
    """
    torch.manual_seed(0)
    config = replace(presets()[preset], **changes)
    return make_model(config, resolve(trained_family(config).blank_tokenizer)()).eval()


def random_clipseg(image_size: int = CLIPSEG.image_size) -> CLIPSeg:
    """CLIPSeg with the sizes of CIDAS/clipseg-rd64-refined and random weights."""
    torch.manual_seed(0)
    sizes = NetworkConfig(
        vision_config={"patch_size": 16, "image_size": 224},
        reduce_dim=64,
        extract_layers=[3, 6, 9],
        use_complex_transposed_convolution=True,
    )
    network = CLIPSegForImageSegmentation(sizes).eval()
    config = replace(CLIPSEG, image_size=image_size)
    return CLIPSeg(config, network, blank_clip_tokenizer(), Normalize(CLIP_MEAN, CLIP_STD)).eval()


AFFORDABLE = 224  # pixels: LAVT-base at its own 480 would take most of the time of a bench


@dataclass(frozen=True)
class System:
    """A model of a comparison.

    Attributes:
        name: Name for people.
        image_size: Side of its input where that does not grow, in pixels.
        make: Makes it with another input size.
        runs: Number of runs for a measurement; the first one also sets up the operators.
        steepness: Reason why its cost may grow faster than the number of pixels.
    """

    name: str
    image_size: int
    make: Callable[[int], Any]
    runs: int
    steepness: str

    def segmenter(self, device: str, image_size: int | None = None) -> Segmenter:
        """The model as a segmenter; ``image_size`` None for that of the system."""
        return Segmenter(self.make(image_size or self.image_size), self.name, device)


def systems(ours: str = "mdsm-small", lavt: str = "lavt-base") -> tuple[System, ...]:
    """Our preset, CLIPSeg and LAVT, all with random weights."""
    windows = "attention in windows is linear in the pixels; a grid that windows do not divide is padded"

    def preset(name: str) -> Callable[[int], HubModel]:
        return lambda side: random_model(name, image_size=side)

    return (
        System(ours, presets()[ours].image_size, preset(ours), 3, windows),
        System("clipseg", CLIPSEG.image_size, random_clipseg, 2, "every patch attends to every other one"),
        System(lavt, AFFORDABLE, preset(lavt), 2, windows),
    )
