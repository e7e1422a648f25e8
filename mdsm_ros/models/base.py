"""The base of all models that this package trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from transformers import BertTokenizerFast, PreTrainedTokenizerFast
from typing_extensions import Self

from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.hub.folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    read_tokenizer,
    read_values,
    read_weights,
    resolve_folder,
    write_model,
)
from mdsm_ros.hub.whole import WholeFolders
from mdsm_ros.models.config import ModelConfig
from mdsm_ros.models.interface import InitialMask


class HubModel(
    nn.Module,
    WholeFolders,
    library_name="mdsm_ros",
    license="apache-2.0",
    pipeline_tag="image-segmentation",
    paper_url="https://arxiv.org/abs/2307.08597",
):
    """A model that this package trains: with ``save_pretrained``, ``from_pretrained`` and ``push_to_hub``.

    Args:
        config: Configuration of the model.
        tokenizer: Tokenizer of the type that the class names.
    """

    shares_images: ClassVar[Literal[True]] = True
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
        """The parts worth compiling: those that run for every image."""
        raise NotImplementedError

    def encode_text(self, texts: Sequence[str]) -> Any:
        """Language features of B instructions, in a form private to the model."""
        raise NotImplementedError

    def initial(self, images: torch.Tensor, text: Any, image_index: torch.Tensor | None = None) -> InitialMask:
        """Initial masks for B instructions about images (N, 3, S, S) in [0, 1].

        ``image_index`` (B,) is the image of each instruction; without it, there is one instruction per image (N = B).
        """
        raise NotImplementedError

    def _save_pretrained(self, save_directory: Path) -> None:
        """Writes half-precision safetensors, the configuration and the tokenizer."""
        write_model(save_directory, self.state_dict(), self.config.to_dict(), self.tokenizer)

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
        values, expected = read_values(folder), cls.config_type().model_type
        if values.get("model_type") != expected:
            raise WeightsError(
                f"{folder / CONFIG_FILE}: model_type is {values.get('model_type')!r}, expected {expected!r}"
            )
        try:
            config = cls.config_type.from_dict(values)
        except ConfigError as error:
            raise WeightsError(f"{folder / CONFIG_FILE}: {error}") from error
        state = read_weights(folder)
        tokenizer = read_tokenizer(folder, cls.tokenizer_type)
        try:
            config.expect_no_larger(sum(tensor.numel() for tensor in state.values()))
            model = cls(config, tokenizer)
            model.load_state_dict(state)
        except Exception as error:  # a network raises many types for foreign sizes
            raise WeightsError(f"{folder / WEIGHTS_FILE} does not fit {CONFIG_FILE}: {error}") from error
        return model.eval()
