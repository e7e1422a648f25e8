"""Saving and loading models the Hugging Face way.

A model is a folder or hub repository of config.json, model.safetensors, tokenizer and README.md. The weights may be
split into several files, which model.safetensors.index.json then names.
Pickle is never read: foreign ``.pth`` files can run code when loaded. Those of LAVT and VPD become such folders with
``mdsm convert``, which reads them as data alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from huggingface_hub import PyTorchModelHubMixin, save_torch_state_dict, snapshot_download
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from transformers import BertTokenizerFast, PreTrainedTokenizerFast
from typing_extensions import Self

from mdsm_ros.hub_client import HUB_ERRORS, HUB_FILES, advice
from mdsm_ros.models.config import ConfigError, ModelConfig
from mdsm_ros.models.interface import InitialMask
from mdsm_ros.models.presets import config_from_dict

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
TOKENIZER_FILE = "tokenizer.json"


class WeightsError(ValueError):
    """A weights folder or hub repository that no model can be loaded from."""


def resolve_folder(name: str | Path, *, revision: str | None = None, local_files_only: bool = False) -> Path:
    """Finds the folder of a model: a local folder as it is, a hub id from the cache or the hub.

    Raises:
        WeightsError: there is no such folder, and no such repository can be reached.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if folder.exists() or folder.is_absolute() or str(name).startswith("."):
        raise WeightsError(f"weights folder {str(name)!r} is not a folder")
    try:
        return Path(
            snapshot_download(
                str(name), revision=revision, local_files_only=local_files_only, allow_patterns=list(HUB_FILES)
            )
        )
    except HUB_ERRORS as error:
        raise WeightsError(
            f"model {str(name)!r} is no name that mdsm models lists, no local folder, not in the cache, and cannot be "
            f"downloaded: {advice(str(name), error)}"
        ) from error


def read_values(folder: Path) -> dict[str, Any]:
    """Reads config.json as it stands.

    Raises:
        WeightsError: the file is missing, or is no JSON object.
    """
    path = folder / CONFIG_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing, expected a model's configuration") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} holds {type(values).__name__}, expected a JSON object")
    return values


def read_config(folder: Path) -> ModelConfig:
    """Reads the configuration of a model that this package trains.

    Raises:
        WeightsError: as :func:`read_values`; or the file holds values that no model can be built from.
    """
    try:
        return config_from_dict(read_values(folder))
    except ConfigError as error:
        raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Reads model.safetensors, or the files that its index names, as float32.

    Raises:
        WeightsError: a file is missing or is no safetensors file.
    """
    state = {}
    for path in weight_files(folder):
        try:
            state.update(load_file(path))
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is not a readable safetensors file (a pickle, or damaged): {error}") from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def weight_files(folder: Path) -> list[Path]:
    """The files that a model's weights are in.

    Raises:
        WeightsError: there are none, or one is missing that the index names.
    """
    path, index = folder / WEIGHTS_FILE, folder / INDEX_FILE
    if path.is_file():
        return [path]
    if not index.is_file():
        others = sorted(p.name for p in folder.glob("*") if p.suffix in {".bin", ".pt", ".pth", ".ckpt"})
        hint = f"; {others[0]} is a pickle and is not read" if others else ""
        raise WeightsError(f"{path} is missing, expected the model's weights{hint}")
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{index} names no files of weights: {error!r}") from error
    files = [folder / Path(name).name for name in sorted(names)]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise WeightsError(f"{missing[0]} is missing, which {INDEX_FILE} names")
    return files


def read_tokenizer(folder: Path, tokenizer_type: type[PreTrainedTokenizerFast]) -> Any:
    """Reads tokenizer.json.

    Raises:
        WeightsError: the file is missing or is no tokenizer.
    """
    if not (folder / TOKENIZER_FILE).is_file():  # transformers would make an empty one up
        raise WeightsError(f"{folder / TOKENIZER_FILE} is missing, expected the model's tokenizer")
    try:
        return tokenizer_type.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # tokenizers raises no narrower one
        raise WeightsError(f"{folder / TOKENIZER_FILE} is not a readable tokenizer: {error}") from error


class HubModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="mdsm_ros",
    license="apache-2.0",
    pipeline_tag="image-segmentation",
    paper_url="https://arxiv.org/abs/2307.08597",
):
    """A model that this package trains: with ``save_pretrained``, ``from_pretrained`` and ``push_to_hub``.

    Args:
        config: sizes of everything.
        tokenizer: of the type that the class names.
    """

    config_type: type[ModelConfig]
    config: Any
    tokenizer_type: ClassVar[type[PreTrainedTokenizerFast]] = BertTokenizerFast
    tokenizer: Any

    def __init__(self, config: Any, tokenizer: Any) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer

    @property
    def compute_parts(self) -> tuple[nn.Module, ...]:
        """The parts that are worth compiling: what runs for every image."""
        raise NotImplementedError

    def encode_text(self, texts: Sequence[str]) -> Any:
        """Language features of B instructions, in the model's own form."""
        raise NotImplementedError

    def initial(self, images: torch.Tensor, text: Any, image_index: torch.Tensor | None = None) -> InitialMask:
        """Masks of B instructions from images (N, 3, S, S) in [0, 1].

        ``image_index`` (B,) names the image of each instruction; absent, there is one instruction an image (N = B).
        """
        raise NotImplementedError

    def _save_pretrained(self, save_directory: Path) -> None:
        """Writes half-precision safetensors, the configuration and the tokenizer."""
        state = {name: t.half() if t.is_floating_point() else t for name, t in self.state_dict().items()}
        save_torch_state_dict({name: t.contiguous().cpu() for name, t in state.items()}, save_directory)
        (save_directory / CONFIG_FILE).write_text(json.dumps(self.config.to_dict(), indent=2) + "\n", encoding="utf-8")
        self.tokenizer.save_pretrained(save_directory)

    @classmethod
    def _from_pretrained(  # type: ignore[override]
        cls,
        *,
        model_id: str,
        revision: str | None = None,
        local_files_only: bool = False,
        **_: Any,
    ) -> Self:
        folder = resolve_folder(model_id, revision=revision, local_files_only=local_files_only)
        config = read_config(folder)
        if not isinstance(config, cls.config_type):
            expected = cls.config_type().model_type
            raise WeightsError(f"{folder / CONFIG_FILE}: model_type is {config.model_type!r}, expected {expected!r}")
        state = read_weights(folder)
        model = cls(config, read_tokenizer(folder, cls.tokenizer_type))
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(f"{folder / WEIGHTS_FILE} does not fit {CONFIG_FILE}: {error}") from error
        return model.eval()
