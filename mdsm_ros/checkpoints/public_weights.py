"""Public weights behind this package's interface, from the cache, the hub or a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import transformers
from transformers.image_processing_utils import BaseImageProcessor

from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.hub.folder import CONFIG_FILE, resolve_folder
from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.families import public_family
from mdsm_ros.models.family import PublicFamily, resolve
from mdsm_ros.models.interface import SegmentationModel

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt")


def read_public_config(family: PublicFamily, folder: Path, values: Mapping[str, Any]) -> PublicConfig:
    """Reads the configuration of a public model from a folder.

    A model with one checkpoint is a folder in transformers' layout. A model with several, or a fine-tuned one, is a
    folder with a config.json of this package, which names each checkpoint by a hub id or a folder, possibly inside this
    one.

    Args:
        family: Family of the model.
        folder: Folder of the model.
        values: Content of the model's config.json.

    Raises:
        WeightsError: No model can be built from the values in config.json.
    """
    names = family.config_type.weights
    if len(names) == 1 and not set(names) & set(values):
        return family.config_type.from_dict(dict.fromkeys(names, str(folder)))
    try:
        config = family.config_type.from_dict(values)
    except ConfigError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error
    inside: dict[str, Any] = {
        name: str(folder / source) for name, (source, _) in config.sources.items() if (folder / source).is_dir()
    }
    return replace(config, **inside)


def load_public(config: PublicConfig, *, local_files_only: bool = False) -> SegmentationModel:
    """Loads the checkpoints that a configuration names.

    Raises:
        WeightsError: One cannot be found or downloaded, is damaged, or is not supported by the installed transformers.
    """
    folders = {
        name: resolve_folder(source, revision=revision, local_files_only=local_files_only)
        for name, (source, revision) in config.sources.items()
    }
    family = public_family(config)
    model: SegmentationModel = resolve(family.load)(config, {name: Folder(path) for name, path in folders.items()})
    return model.eval()


@dataclass(frozen=True)
class Folder:
    """A folder in transformers' layout, see :class:`~mdsm_ros.models.interface.PublicCheckpoint`.

    All methods raise WeightsError if a file is missing or damaged.
    """

    path: Path

    def network(self, name: str) -> Any:
        """Loads a network of a class of transformers, in full precision."""
        return _load_network(name, self.path)

    def tokenizer(self) -> Any:
        """Loads the tokenizer."""
        return _load_tokenizer(self.path)

    def pixel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel, from the checkpoint's image processor."""
        try:
            values, _ = BaseImageProcessor.get_image_processor_dict(self.path, local_files_only=True)
            return tuple(values["image_mean"]), tuple(values["image_std"])
        except (OSError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{self.path} has no image_mean and image_std in its preprocessor's configuration"
            ) from error


def _load_network(name: str, folder: Path) -> Any:
    """Loads a network in full precision; requires all weights, since transformers makes missing ones up."""
    kind = getattr(transformers, name, None)
    if kind is None:
        raise WeightsError(f"{name} is not in transformers {transformers.__version__}; install a newer one")
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()  # SAM 2 and 3 include a tracker's weights: no reason to warn
    try:
        network, info = kind.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers and safetensors raise many types
        raise WeightsError(f"{folder} is not a readable checkpoint of {name}: {error}") from error
    finally:
        transformers.logging.set_verbosity(verbosity)
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise WeightsError(f"{folder} lacks {len(missing)} weights of {name}, for example {missing[0]}")
    return network.float()


def _load_tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):  # transformers would make up an empty one
        raise WeightsError(f"{folder} has no tokenizer, expected one of {', '.join(TOKENIZER_FILES)}")
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises no narrower type
        raise WeightsError(f"{folder} has no readable tokenizer: {error}") from error
