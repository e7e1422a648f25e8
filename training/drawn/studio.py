"""A model that draws, and where the masks of its pictures come from, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from mdsm_ros.checkpoints.diffusion_checkpoint import load_pipeline
from mdsm_ros.checkpoints.pretrained import load_model
from mdsm_ros.errors import DatasetError, WeightsError
from mdsm_ros.hub.folder import CONFIG_FILE
from mdsm_ros.models.grounded_diffusion.network import GroundedDiffusion
from mdsm_ros.segmenter import Segmenter
from training.drawn.detector import DetectorMasks
from training.drawn.drawing import Artist, pipeline_of
from training.drawn.mask_sources import DaamMasks, GroundingMasks, MaskSource, SegmenterMasks
from training.drawn.prompt_plan import MASK_RCNN, Sampling


@dataclass(frozen=True)
class StudioOptions:
    """What a studio is made of.

    Attributes:
        model: Generating model: Stable Diffusion checkpoint (hub id, folder, file), or folder of a Grounded Diffusion
            model.
        masks: "oracle", "grounding" or "daam".
        oracle: "mask-rcnn", or name or folder of a model of this package.
        oracle_weights: File with Mask R-CNN's weights; None downloads them.
        sampling: Settings of the sampler.
        device: "auto", "cpu", "cuda".
    """

    model: str
    masks: str
    oracle: str
    oracle_weights: Path | None
    sampling: Sampling
    device: str


@dataclass(frozen=True)
class Studio:
    """Draws pictures and finds what is in them."""

    artist: Artist
    source: MaskSource


@lru_cache(maxsize=1)
def open_studio(options: StudioOptions) -> Studio:
    """Loads what is needed; asked again for the same, it gives the same.

    Raises:
        DatasetError: A model or its weights cannot be had, or the model has no grounding module though it needs one.
    """
    try:
        device = choose_device(options.device)
        model = load_grounded(options.model)
        if options.masks == "grounding" and model is None:
            raise DatasetError(f"model is {options.model!r}, expected the folder of a Grounded Diffusion model")
        pipeline = load_pipeline(options.model) if model is None else pipeline_of(model.backbone)
        artist = Artist(
            pipeline.to(device),
            options.sampling,
            features=model.config if model is not None and options.masks == "grounding" else None,
            attention=options.masks == "daam",
        )
        return Studio(artist, _source(options, artist, model, device))
    except WeightsError as error:
        raise DatasetError(str(error)) from error


def _source(options: StudioOptions, artist: Artist, model: GroundedDiffusion | None, device: str) -> MaskSource:
    if options.masks == "daam":
        return DaamMasks(artist.pipeline.tokenizer)
    if options.masks == "grounding":
        assert model is not None
        return GroundingMasks(model.to(device))
    return open_oracle(options.oracle, options.oracle_weights, device)


def open_oracle(name: str, weights: Path | None, device: str) -> MaskSource:
    """The oracle of a name, see :class:`StudioOptions`.

    Raises:
        WeightsError: It cannot be loaded.
    """
    if name == MASK_RCNN:
        return DetectorMasks(device, weights)
    return SegmenterMasks(Segmenter.from_pretrained(name, device=device))


def load_grounded(name: str) -> GroundedDiffusion | None:
    """The Grounded Diffusion model in a folder; None where the name is something else's.

    Raises:
        WeightsError: The folder holds another model of this package, or a damaged one.
    """
    if not (Path(name) / CONFIG_FILE).is_file():
        return None
    model = load_model(name)
    if not isinstance(model, GroundedDiffusion):
        raise WeightsError(f"model {name!r} is {model.config.model_type!r}, which does not draw")
    return model


def choose_device(name: str) -> str:
    """Where to run: a GPU where there is one and "auto" is asked for."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
