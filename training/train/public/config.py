"""The configuration of a training of a public model's decoder, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mdsm_ros.checkpoints.pretrained import model_folder
from mdsm_ros.checkpoints.public_weights import read_public_config
from mdsm_ros.errors import ConfigError, WeightsError
from mdsm_ros.hub.folder import read_values
from mdsm_ros.models.config import PublicConfig
from mdsm_ros.models.families import find_family, published
from mdsm_ros.models.family import PublicFamily
from training.train.config import (
    STREAM_FIELDS,
    VALIDATION_FIELDS,
    LoopConfig,
    StageConfig,
    TrainConfig,
    read_config,
    read_loop_config,
)
from training.yaml_files import read_yaml

KEY = "public"
CELL = 32  # a divisor of the image's side, pixels


@dataclass(frozen=True)
class PublicTrainConfig(LoopConfig):
    """The configuration of a training of a public model's decoder.

    Attributes:
        public: Public model to start from: name (mdsm models) or folder.
        stage1: Optimisation.
        present_weight: Weight of the loss of the target being in view, for models that decide it by the mask.
        loss_stride: Side in pixels of the cells on which masks are compared; a divisor of 32.

    Raises:
        ConfigError: A field is out of range.
    """

    STAGES: ClassVar[tuple[str, ...]] = ("stage1",)

    public: str
    stage1: StageConfig
    present_weight: float = 0.1
    loss_stride: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.augmentation is not None:
            raise ConfigError("augmentation is given, expected none: features of images are computed once")
        self._expect_unset(VALIDATION_FIELDS, "there is no validation of a public model during its training")
        self._expect_unset(STREAM_FIELDS, "a public model is trained on a dataset's folder")
        if not (isinstance(self.loss_stride, int) and self.loss_stride > 0 and CELL % self.loss_stride == 0):
            raise ConfigError(f"loss_stride is {self.loss_stride!r}, expected a divisor of {CELL}")

    def model_config(self) -> PublicConfig:
        """The configuration of the model to start from.

        Raises:
            WeightsError: There is no such model, or it is not a public one.
        """
        return public_config(self.public)

    @property
    def side(self) -> int:
        """Side of the square that images are resized to, pixels."""
        return self.model_config().image_size // CELL * CELL


def public_config(name: str) -> PublicConfig:
    """The configuration of a public model whose decoder can be trained, given its name or folder.

    Raises:
        WeightsError: There is no such model, it is not a public one, or its decoder cannot be trained.
    """
    config = published()[name] if name in published() else _folder_config(name)
    if not config.tunable:
        known = ", ".join(other for other, config in published().items() if config.tunable)
        raise WeightsError(
            f"model is {name!r}, whose decoder cannot be trained here, expected {known} or a model of this package"
        )
    return config


def _folder_config(name: str) -> PublicConfig:
    folder = model_folder(name)
    values = read_values(folder)
    family = find_family(values.get("model_type"))
    if not isinstance(family, PublicFamily):
        raise WeightsError(f"model is {name!r}, of type {family.name}, expected a public one")
    return read_public_config(family, folder, values)


def is_public(name: str) -> bool:
    """Whether a name or folder is a public model's, and not of a model that this package trains.

    Raises:
        WeightsError: There is no such model.
    """
    if name in published():
        return True
    return isinstance(find_family(read_values(model_folder(name)).get("model_type")), PublicFamily)


def read_any_config(path: Path) -> TrainConfig | PublicTrainConfig:
    """Reads the configuration of a training of any model.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is unknown, absent or out of range.
    """
    values = read_yaml(path, ConfigError, "a training configuration")
    if isinstance(values, dict) and KEY in values:
        return read_loop_config(path, PublicTrainConfig)
    return read_config(path)
