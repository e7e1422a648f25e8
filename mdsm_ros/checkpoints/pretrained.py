"""Loads models by name, and fills a model's encoders from public checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mdsm_ros.errors import ConfigError, NotHereError, WeightsError
from mdsm_ros.extras import install_line, is_installed
from mdsm_ros.hub.folder import CONFIG_FILE, read_values, resolve_folder
from mdsm_ros.hub.graphs import has_graphs
from mdsm_ros.models.config import MDSMConfig, ModelConfig
from mdsm_ros.models.families import config_from_dict, find_family, presets, published, trained_family
from mdsm_ros.models.family import Family, PublicFamily, resolve
from mdsm_ros.models.interface import SegmentationModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from mdsm_ros.models.base import HubModel

EMBEDDED_WEIGHTS = Path(__file__).parent.parent / "weights"


def read_config(folder: Path) -> ModelConfig:
    """Reads the configuration of a model that this package trains.

    Raises:
        WeightsError: As for :func:`read_values`, or no model can be built from the values.
    """
    try:
        return config_from_dict(read_values(folder))
    except ConfigError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error


def check_config(folder: Path) -> None:
    """Checks that a model of any type can be built from a folder's configuration.

    Raises:
        WeightsError: The file is missing, or no model can be built from its values.
    """
    values = read_values(folder)
    family = _family(folder, values)
    if isinstance(family, PublicFamily):
        from mdsm_ros.checkpoints.public_weights import read_public_config

        read_public_config(family, folder, values)
    else:
        read_config(folder)


def _family(folder: Path, values: Mapping[str, Any]) -> Family:
    try:
        return find_family(values.get("model_type"))
    except ConfigError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error


def model_folder(name: str | Path, *, local_files_only: bool = False) -> Path:
    """The folder of a model, given its embedded name, local folder or hub id.

    Raises:
        WeightsError: The model cannot be found.
    """
    embedded = EMBEDDED_WEIGHTS / name
    return embedded if embedded.is_dir() else resolve_folder(name, local_files_only=local_files_only)


def load_model(name: str | Path, *, local_files_only: bool = False) -> SegmentationModel:
    """Loads a model of any type by name, local folder or hub id.

    Names of embedded and public models come first; write ./NAME for a folder with such a name. Only the libraries that
    the model needs are imported.

    Raises:
        WeightsError: The model cannot be found or downloaded, or its files are damaged.
    """
    if str(name) in published():
        from mdsm_ros.checkpoints.public_weights import load_public

        try:
            return load_public(published()[str(name)], local_files_only=local_files_only)
        except NotHereError as error:
            raise NotHereError(
                f"{name} is a public model; its weights have to be downloaded once: mdsm download {name}. Now {error}"
            ) from error
    folder = model_folder(name, local_files_only=local_files_only)
    values = read_values(folder)
    family = _family(folder, values)
    if isinstance(family, PublicFamily):
        from mdsm_ros.checkpoints.public_weights import load_public, read_public_config

        return load_public(read_public_config(family, folder, values), local_files_only=local_files_only)
    model: SegmentationModel = resolve(family.network).from_pretrained(folder)
    return model


def load_graphs(name: str | Path, runtime: str, device: str, *, local_files_only: bool = False) -> SegmentationModel:
    """Loads the ONNX graphs of a model by name, local folder or hub id; its arrays are NumPy's.

    Args:
        name: Name, folder or hub id of the model.
        runtime: Acceleration that runs graphs: "onnx", "openvino" or "tensorrt".
        device: Device: "cpu", "cuda" or "cuda:N".
        local_files_only: Whether to use only local files and download nothing.

    Raises:
        WeightsError: The model cannot be found, has no graphs, or its files are damaged.
        MissingPackageError: The package of the runtime is not installed.
        AccelerationError: The runtime cannot run the graphs on the device.
    """
    from mdsm_ros.inference.backends.graph_model import GraphModel

    folder = None if str(name) in published() else model_folder(name, local_files_only=local_files_only)
    config = read_config(folder) if folder is not None and has_graphs(folder) else None
    if folder is None or not isinstance(config, MDSMConfig):
        or_torch = "" if is_installed("torch") else f"; PyTorch runs it without them: {install_line('torch')}"
        raise WeightsError(
            f"model {str(name)!r} has no ONNX graphs, expected an MDSM model in a folder that mdsm export has written"
            f"{or_torch}"
        )
    if config.sampler != "ddim":
        raise WeightsError(f"sampler of {str(name)!r} is {config.sampler!r}, expected 'ddim', the only one of graphs")
    return cast(SegmentationModel, GraphModel(folder, config, runtime, device))


def save_random(preset: str, folder: Path) -> None:
    """Saves an untrained model, for timing.

    Raises:
        ConfigError: The preset is unknown.
    """
    if preset not in presets():
        raise ConfigError(f"preset is {preset!r}, expected one of {', '.join(presets())}")
    config = presets()[preset]
    make_model(config, resolve(trained_family(config).blank_tokenizer)()).save_pretrained(folder)


def save_untrained(config: ModelConfig, folder: Path) -> None:
    """Saves a model with the public checkpoints of its configuration, for models that need no training.

    Raises:
        WeightsError: A checkpoint cannot be loaded, or the model has no public tokenizer.
    """
    tokenizer = load_tokenizer(config)
    if tokenizer is None:
        raise WeightsError(f"model_type {config.model_type!r} has no public tokenizer and must be trained")
    model = make_model(config, tokenizer)
    load_encoders(model)
    model.save_pretrained(folder)


def make_model(config: ModelConfig, tokenizer: PreTrainedTokenizerBase) -> HubModel:
    """Makes a model with random weights.

    Raises:
        ConfigError: The configuration belongs to a public model, or no network can be built from it.
    """
    model: HubModel = resolve(trained_family(config).network)(config, tokenizer)
    return model


def load_tokenizer(config: ModelConfig) -> PreTrainedTokenizerBase | None:
    """The tokenizer of the public text encoder from which a model starts; None if it starts from none.

    Raises:
        WeightsError: The tokenizer cannot be found.
    """
    tokenizer: PreTrainedTokenizerBase | None = resolve(trained_family(config).load_tokenizer)(config)
    return tokenizer


def load_encoders(model: HubModel) -> None:
    """Fills the encoders with the checkpoints that the model's configuration names; other encoders do not change.

    Raises:
        WeightsError: A checkpoint cannot be found, or its dimensions differ from the configuration.
    """
    resolve(trained_family(model.config).load_encoders)(model)
