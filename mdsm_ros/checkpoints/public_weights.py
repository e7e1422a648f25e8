"""Public weights behind this package's interface: found in the cache or on the hub, or taken from a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from transformers.image_processing_utils import BaseImageProcessor

from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.hub.folder import CONFIG_FILE, read_values, resolve_folder
from mdsm_ros.models.clipseg.network import CLIPSeg
from mdsm_ros.models.common.vision import Normalize
from mdsm_ros.models.grounded_sam2.network import GroundedSAM2
from mdsm_ros.models.interface import SegmentationModel
from mdsm_ros.models.public_config import CLIPSegConfig, GroundedSAM2Config, PublicConfig, SAM3Config
from mdsm_ros.models.sam3.network import SAM3

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt")


def read_public_config(folder: Path) -> PublicConfig | None:
    """The configuration of a public model in a folder; None where the folder holds another model.

    CLIPSeg and SAM 3 are folders in transformers' layout. Grounding DINO and SAM 2 are named by a config.json of ours:
    model_type "grounded_sam2", and detector and segmenter, each a hub id or a folder, which may lie in this one.

    Raises:
        WeightsError: config.json is missing, or holds values that no model can be built from.
    """
    values = read_values(folder)
    match values.get("model_type"):
        case "clipseg":
            return CLIPSegConfig(checkpoint=str(folder))
        case "sam3" | "sam3_video":  # the hub's checkpoint holds the tracker, too
            return SAM3Config(checkpoint=str(folder))
        case "grounded_sam2":
            try:
                config = GroundedSAM2Config.from_dict(values)
            except ConfigError as error:
                raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error
            return replace(
                config, detector=_inside(folder, config.detector), segmenter=_inside(folder, config.segmenter)
            )
    return None


def _inside(folder: Path, name: str) -> str:
    """The folder of that name in a folder; where there is none, the name as it is."""
    path = folder / name
    return str(path) if path.is_dir() else name


def load_public(config: PublicConfig, *, local_files_only: bool = False) -> SegmentationModel:
    """Loads what a configuration names.

    Raises:
        WeightsError: it cannot be found or downloaded, is damaged, or the installed transformers does not have it.
    """
    if isinstance(config, GroundedSAM2Config):
        detector = resolve_folder(config.detector, revision=config.detector_revision, local_files_only=local_files_only)
        segmenter = resolve_folder(
            config.segmenter, revision=config.segmenter_revision, local_files_only=local_files_only
        )
        return GroundedSAM2(
            config,
            _load_network("GroundingDinoForObjectDetection", detector),
            _load_network("Sam2Model", segmenter),
            _load_tokenizer(detector),
            _load_normalize(detector),
            _load_normalize(segmenter),
        ).eval()
    folder = resolve_folder(config.checkpoint, revision=config.revision, local_files_only=local_files_only)
    if isinstance(config, CLIPSegConfig):
        network = _load_network("CLIPSegForImageSegmentation", folder)
        return CLIPSeg(config, network, _load_tokenizer(folder), _load_normalize(folder)).eval()
    network = _load_network("Sam3Model", folder)
    config = replace(config, image_size=network.config.image_size)
    return SAM3(config, network, _load_tokenizer(folder), _load_normalize(folder)).eval()


def _load_network(name: str, folder: Path) -> Any:
    """A network of transformers in full precision; all its weights must be there, or transformers makes them up."""
    kind = getattr(transformers, name, None)
    if kind is None:
        raise WeightsError(f"{name} is not in transformers {transformers.__version__}; install a newer one")
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()  # SAM 2 and 3 come with a tracker's weights: no reason to warn
    try:
        network, info = kind.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers and safetensors raise all kinds
        raise WeightsError(f"{folder} is not a readable checkpoint of {name}: {error}") from error
    finally:
        transformers.logging.set_verbosity(verbosity)
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise WeightsError(f"{folder} lacks {len(missing)} weights of {name}, for example {missing[0]}")
    return network.float()


def _load_tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):  # transformers would make an empty one up
        raise WeightsError(f"{folder} has no tokenizer, expected one of {', '.join(TOKENIZER_FILES)}")
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises no narrower one
        raise WeightsError(f"{folder} has no readable tokenizer: {error}") from error


def _load_normalize(folder: Path) -> Normalize:
    """By the mean and deviation that the checkpoint's image processor notes."""
    try:
        values, _ = BaseImageProcessor.get_image_processor_dict(folder, local_files_only=True)
        return Normalize(tuple(values["image_mean"]), tuple(values["image_std"]))
    except (OSError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder} has no image_mean and image_std in its preprocessor's configuration") from error
