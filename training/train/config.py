"""The configuration of a training run, read from YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mdsm_ros.errors import ConfigError
from mdsm_ros.foreign import check_fields, shown
from mdsm_ros.models.config import FusionConfig, MDSMConfig, ModelConfig
from mdsm_ros.models.families import config_from_dict, presets, trained_family
from training.augment.options import Augmentation
from training.yaml_files import read_yaml

VALIDATION_FIELDS = ("evaluate_steps", "evaluate_samples", "evaluate_epochs")
STREAM_FIELDS = ("block_steps", "homes_per_block", "stream_workers")
TARGET_MASKS = ("instance", "class")


@dataclass(frozen=True)
class StageConfig:
    """Optimisation of one stage.

    Attributes:
        steps: Number of optimiser steps.
        images: Number of images per step, over all processes and micro-batches.
        dice_weight: Weight of the dice loss; 0 trains with cross-entropy alone.

    Raises:
        ConfigError: A field is out of range.
    """

    steps: int
    images: int
    learning_rate: float
    warmup_steps: int = 0
    dice_weight: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "images"):
            if not (isinstance(getattr(self, name), int) and getattr(self, name) > 0):
                raise ConfigError(f"{name} is {getattr(self, name)!r}, expected a positive integer")
        if not 0 < self.learning_rate < float("inf"):
            raise ConfigError(f"learning_rate is {self.learning_rate!r}, expected a positive number")
        if not self.dice_weight >= 0:
            raise ConfigError(f"dice_weight is {self.dice_weight!r}, expected 0 or more")
        if not 0 <= self.warmup_steps < self.steps:
            raise ConfigError(f"warmup_steps is {self.warmup_steps!r}, expected 0 to {self.steps - 1}")


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """The settings of :mod:`training.train.loop` and :mod:`training.train.sources` for all models.

    Attributes:
        polynomial_power: Power of the learning-rate decay (LAVT: 0.9).
        instructions_per_image: Largest number of instructions per image in a batch; its features are computed once.
        mixture: Images of each step by the source of their instructions ("homes", "photos", ...), which add up to
            ``images``; empty for no distinction.
        gradient_accumulation: Number of micro-batches per step on each process.
        mixed_precision: Precision: "no", "fp16" or "bf16".
        checkpoint_seconds: Longest time between checkpoints in seconds.
        evaluate_steps: Number of steps between validations.
        evaluate_epochs: Epochs after which to validate, too; an epoch has all images of a dataset folder once.
        block_steps: Number of steps on each shard, or on each block of homes, for streamed data.
        homes_per_block: Number of homes rendered for each block.
        stream_workers: Number of processes that render homes ahead of training.
        augmentation: Augmentation of training images; None for none. Validation images are never changed.

    Raises:
        ConfigError: A field is out of range.
    """

    STAGES: ClassVar[tuple[str, ...]] = ()  # the fields that are a StageConfig

    seed: int = 0
    instructions_per_image: int = 1
    mixture: dict[str, int] = field(default_factory=dict)
    weight_decay: float = 0.01
    adam_beta2: float = 0.999
    gradient_clip: float = 1.0
    polynomial_power: float = 0.9
    ema_decay: float = 0.999
    gradient_accumulation: int = 1
    mixed_precision: str = "no"
    cache: bool = False
    num_workers: int = 0
    checkpoint_seconds: float = 300.0
    evaluate_steps: int = 1000
    evaluate_samples: int = 256
    evaluate_epochs: tuple[int, ...] = ()
    block_steps: int = 200
    homes_per_block: int = 32
    stream_workers: int = 1
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        if self.mixed_precision not in ("no", "fp16", "bf16"):
            raise ConfigError(f"mixed_precision is {self.mixed_precision!r}, expected 'no', 'fp16' or 'bf16'")
        for name in ("block_steps", "homes_per_block", "stream_workers", "gradient_accumulation"):
            if not (isinstance(getattr(self, name), int) and getattr(self, name) > 0):
                raise ConfigError(f"{name} is {getattr(self, name)!r}, expected a positive integer")
        for name in ("ema_decay", "adam_beta2"):
            self._expect_share(name)
        epochs = tuple(self.evaluate_epochs)  # YAML has only lists
        if not all(isinstance(epoch, int) and epoch > 0 for epoch in epochs):
            raise ConfigError(f"evaluate_epochs is {list(epochs)}, expected positive integers")
        object.__setattr__(self, "evaluate_epochs", epochs)

    def _expect_unset(self, names: Sequence[str], reason: str) -> None:
        """Refuses fields that a kind of training has no use for."""
        for declared in dataclasses.fields(self):
            value = getattr(self, declared.name)
            if declared.name in names and value != declared.default:
                raise ConfigError(f"{declared.name} is {shown(value)}, expected none: {reason}")

    def _expect_share(self, name: str) -> None:
        if not 0 <= getattr(self, name) <= 1:
            raise ConfigError(f"{name} is {getattr(self, name)!r}, expected 0 to 1")


LoopConfigT = TypeVar("LoopConfigT", bound=LoopConfig)
Part = TypeVar("Part")


@dataclass(frozen=True)
class TrainConfig(LoopConfig):
    """The configuration of training in one or two stages.

    Attributes:
        preset: Name of the model's preset; ``model`` overrides single fields of it, and single parts of ``sizes``.
        stage2: Optimisation of stage 2; None ends after stage 1, the only stage of LAVT.
        distill: Optimisation of :class:`training.train.stages.Distillation`, which follows stage 2; None for none.
        teacher_steps: Number of refinement steps whose result the distilled refiner learns to give in one.
        target_masks: The masks that are learned: "instance", those of the instruction's target, or "class", those of
            all objects of its category in the image, as in the paper's data.
        first_categories: Number of the dataset's categories, from the first on, whose instructions are trained on; None
            for all.
        denoising_weight: Weight of the diffusion model's own loss, for Grounded Diffusion with a UNet that learns.
        start_from: Model (name, folder or hub id) from whose weights and tokenizer the first stage starts, for all
            parts that both models have. Swin and BERT then need no checkpoint.
        loss_stride: Side in pixels of the cells on which masks are compared; 1 for pixels. A divisor of the image's
            side.
        gradient_checkpointing: Whether to compute activations again in the backward pass, to save memory.
        freeze_language: Whether to freeze the language encoder, without dropout.
        feature_cache: Whether to compute the features of the frozen semantic branch and language encoder once and store
            them on disk.

    Raises:
        ConfigError: A field is out of range.
    """

    STAGES = ("stage1", "stage2", "distill")

    preset: str
    stage1: StageConfig
    stage2: StageConfig | None = None
    distill: StageConfig | None = None
    teacher_steps: int = 4
    model: dict[str, Any] = field(default_factory=dict)
    target_masks: str = "instance"
    first_categories: int | None = None
    denoising_weight: float = 0.0
    start_from: str | None = None
    present_weight: float = 0.1
    auxiliary_weight: float = 0.0
    initial_noise_probability: float = 0.5
    loss_stride: int = 1
    gradient_checkpointing: bool = False
    freeze_language: bool = False
    feature_cache: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.preset not in presets():
            raise ConfigError(f"preset is {self.preset!r}, expected one of {sorted(presets())}")
        if self.stage2 is not None and not presets()[self.preset].num_inference_steps:
            raise ConfigError(f"stage2 is given, but {self.preset} has one stage")
        if self.distill is not None and self.stage2 is None:
            raise ConfigError("distill is given without stage2, whose refiner it distils")
        if not (isinstance(self.teacher_steps, int) and 2 <= self.teacher_steps <= 100):
            raise ConfigError(f"teacher_steps is {self.teacher_steps!r}, expected 2 to 100")
        if self.auxiliary_weight and not isinstance(presets()[self.preset], FusionConfig):
            raise ConfigError(f"auxiliary_weight is {self.auxiliary_weight!r}, expected 0: {self.preset} has no Swin")
        self._expect_share("initial_noise_probability")
        if self.target_masks not in TARGET_MASKS:
            raise ConfigError(f"target_masks is {self.target_masks!r}, expected {' or '.join(map(repr, TARGET_MASKS))}")
        if self.first_categories is not None and not self.first_categories > 0:
            raise ConfigError(f"first_categories is {self.first_categories!r}, expected a positive integer")
        model = self.model_config()
        draws = model.model_type == "grounded_diffusion" and not getattr(model, "freeze_unet", True)
        if not 0 <= self.denoising_weight < float("inf") or (self.denoising_weight and not draws):
            raise ConfigError(
                f"denoising_weight is {self.denoising_weight!r}, expected 0, or more for Grounded Diffusion with "
                "freeze_unet: false"
            )
        if self.model.get("prediction") == "epsilon" and self.initial_noise_probability:
            raise ConfigError(
                f"initial_noise_probability is {self.initial_noise_probability!r}, expected 0 with prediction: "
                "epsilon, which learns the noise in the true mask"
            )
        side = model.image_size
        if not (isinstance(self.loss_stride, int) and self.loss_stride > 0 and side % self.loss_stride == 0):
            raise ConfigError(f"loss_stride is {self.loss_stride!r}, expected a divisor of image_size, {side}")
        if self.freeze_language and not isinstance(presets()[self.preset], FusionConfig):
            raise ConfigError(f"freeze_language is true, expected false: {self.preset} has no BERT")
        if self.feature_cache:
            self._expect_frozen()

    def _expect_frozen(self) -> None:
        if self.augmentation is not None:
            raise ConfigError("augmentation is given, expected none with feature_cache: pictures change at every step")
        model = self.model_config()
        if not self.freeze_language:
            raise ConfigError("feature_cache is true, expected freeze_language: true beside it")
        if isinstance(model, MDSMConfig) and model.use_clip and not model.semantic_is_frozen:
            raise ConfigError("feature_cache is true, expected a frozen semantic branch")

    def model_config(self) -> ModelConfig:
        """The preset with the overrides."""
        preset = presets()[self.preset]
        covered = trained_family(preset).start_covers if self.start_from else ()
        values = preset.to_dict()
        changes = dict(self.model)
        if isinstance(changes.get("sizes"), dict) and "sizes" in values:  # parts that are not named keep their sizes
            changes["sizes"] = values["sizes"] | changes["sizes"]
        return config_from_dict(values | dict.fromkeys(covered) | changes)


def read_config(path: Path) -> TrainConfig:
    """Reads the configuration of training in one or two stages.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is unknown, absent or out of range.
    """
    return read_loop_config(path, TrainConfig)


def read_loop_config(path: Path, kind: type[LoopConfigT]) -> LoopConfigT:
    """Reads a training configuration of any kind.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is unknown, absent or out of range.
    """
    values = read_yaml(path, ConfigError, "a training configuration")
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds {type(values).__name__}, expected fields of a training configuration")
    unknown = [name for name in values if name not in {f.name for f in dataclasses.fields(kind)}]
    if unknown:
        raise ConfigError(f"{path}: unknown field {shown(unknown[0])}")
    try:
        parts: dict[str, Any] = {name: _part(StageConfig, values.pop(name, None), name) for name in kind.STAGES}
        if "augmentation" in values:
            parts["augmentation"] = _part(Augmentation, values.pop("augmentation"), "augmentation")
        check_fields(kind, values, ConfigError)
        return kind(**values, **{name: part for name, part in parts.items() if part is not None})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _part(kind: type[Part], values: object, name: str) -> Part | None:
    """Reads a part of a configuration with its own fields; None if it is not given."""
    if values is None:
        return None
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ConfigError(f"{name} is {shown(values)}, expected its fields")
    check_fields(kind, values, ConfigError)
    return kind(**values)
